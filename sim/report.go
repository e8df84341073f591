package sim

// A Report is what a run found. As JSON it is what testnet sim prints.
type Report struct {
	OK             bool             `json:"ok"` // every Safety and Liveness property held
	Graph          string           `json:"graph"`
	Nodes          int              `json:"nodes"`
	Seed           uint64           `json:"seed"`
	VirtualSeconds float64          `json:"virtualSeconds"`
	WallSeconds    float64          `json:"wallSeconds"` // filled by the caller: a simulation has no clock
	Events         uint64           `json:"events"`      // taken by instances
	Messages       uint64           `json:"messages"`    // sent, each hop of a topic counted
	Bytes          uint64           `json:"bytes"`       // their payloads
	Properties     []PropertyResult `json:"properties"`
	Faults         map[string]int   `json:"faults"` // what happened, by name
	TraceHash      string           `json:"traceHash"`
	// Hashes is the trace hash after each 1,000 events: the first difference of two runs lies before the first difference here.
	Hashes []uint64 `json:"-"`
	Story  *Story   `json:"story,omitempty"` // of a failure, filled by a caller who has asked Explain for it
}

// A PropertyResult says whether a property held.
type PropertyResult struct {
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	Held   bool   `json:"held"`
	Detail string `json:"detail,omitempty"` // when it did not: what, when, and the seed
}

// Unreached names the Sometimes properties that none of the runs reached, in the order of the first report.
func Unreached(reports ...*Report) []string {
	var names []string
	if len(reports) == 0 {
		return nil
	}
	for i, p := range reports[0].Properties {
		reached := p.Kind != Sometimes
		for _, r := range reports {
			reached = reached || i < len(r.Properties) && r.Properties[i].Held
		}
		if !reached {
			names = append(names, p.Name)
		}
	}
	return names
}

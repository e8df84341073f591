package sim

import "slices"

// A Campaign is what several seeds of one scenario found.
type Campaign struct {
	OK        bool       `json:"ok"` // every property held for every seed, and what is to be reached was reached by one
	Graph     string     `json:"graph"`
	Nodes     int        `json:"nodes"`
	FirstSeed uint64     `json:"firstSeed"`
	Seeds     int        `json:"seeds"` // that were run
	Events    uint64     `json:"events"`
	Failed    []SeedFail `json:"failed"`    // by seed
	Unreached []string   `json:"unreached"` // what is to be reached and was not, by any seed
	// Faults are those of all runs, by name.
	Faults      map[string]int `json:"faults"`
	WallSeconds float64        `json:"wallSeconds"`     // filled by the caller
	Story       *Story         `json:"story,omitempty"` // of the first failure, when it was asked for
}

// A SeedFail is a run of a campaign in which a property failed.
type SeedFail struct {
	Seed     uint64 `json:"seed"`
	Property string `json:"property"`
	Detail   string `json:"detail"`
}

// Sum makes a campaign of the reports of its runs, in the order of their seeds.
func Sum(reports ...*Report) *Campaign {
	c := &Campaign{Failed: []SeedFail{}, Unreached: Unreached(reports...), Faults: map[string]int{}, Seeds: len(reports)}
	for i, r := range reports {
		if i == 0 {
			c.Graph, c.Nodes, c.FirstSeed = r.Graph, r.Nodes, r.Seed
		}
		c.Events += r.Events
		for name, n := range r.Faults { //lint:unordered each is added to its own
			c.Faults[name] += n
		}
		if k := slices.IndexFunc(r.Properties, PropertyResult.broken); k >= 0 {
			c.Failed = append(c.Failed, SeedFail{r.Seed, r.Properties[k].Name, r.Properties[k].Detail})
		}
	}
	if c.Unreached == nil || len(c.Failed) > 0 { // a campaign that a failure has ended says nothing of what it might have reached
		c.Unreached = []string{}
	}
	c.OK = len(c.Failed)+len(c.Unreached) == 0
	return c
}

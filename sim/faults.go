package sim

import (
	"fmt"
	"strings"
)

// Faults is a set of kinds of fault. The zero value is none.
type Faults uint16

// The kinds of fault that are built.
const (
	Loss      Faults = 1 << iota // connections break; topics lose single messages
	Delay                        // some messages take much longer
	Reorder                      // topics reorder single messages
	Duplicate                    // topics repeat single messages
	Churn                        // nodes crash and start again
	Bandwidth                    // bytes take time on a connection
	Partition                    // the network falls into groups for a while
	OneWay                       // some nodes cannot reach some others for a while, who can reach them
	Skew                         // clocks go wrong
	Hostile                      // some nodes run programs of their own, with valid identities
)

// All is every kind that the scenario offers.
const All = ^Faults(0)

// Offers are the kinds of fault that the scenario can have.
func (s *Scenario) Offers() Faults {
	offers := Hostile - 1
	if s.Hostile != nil {
		offers |= Hostile
	}
	return offers
}

// faultNames are all kinds of the design in its order; those without a set are not built yet.
var faultNames = []struct {
	name string
	set  Faults
}{
	{"loss", Loss}, {"delay", Delay}, {"reorder", Reorder}, {"duplicate", Duplicate}, {"bandwidth", Bandwidth},
	{"partition", Partition}, {"oneway", OneWay}, {"churn", Churn}, {"skew", Skew}, {"disk", 0}, {"backup", 0}, {"clone", 0},
	{"hostile", Hostile},
}

// Built names the kinds of fault that can be asked for.
func Built() []string {
	var all Faults
	for _, n := range faultNames {
		all |= n.set
	}
	return strings.Split(all.String(), ",")
}

// ParseFaults reads a list of kinds, such as "loss,churn"; "none" and "" are none, "all" is every kind that the scenario offers. A
// kind that is not built yet is refused with a sentence.
func ParseFaults(list string) (Faults, error) {
	var set Faults
	built := strings.Join(Built(), ", ")
	for _, word := range strings.Split(list, ",") {
		word = strings.TrimSpace(word)
		switch word {
		case "", "none":
			continue
		case "all":
			set = All
			continue
		}
		known := false
		for _, f := range faultNames {
			if f.name != word {
				continue
			}
			if known = true; f.set == 0 {
				return 0, fmt.Errorf("fault %q is not built yet: choose of %s", word, built)
			}
			set |= f.set
		}
		if !known {
			return 0, fmt.Errorf("fault %q is not known: choose of %s, or none", word, built)
		}
	}
	return set, nil
}

// String is the set as ParseFaults reads it.
func (f Faults) String() string {
	if f == All {
		return "all"
	}
	var words []string
	for _, n := range faultNames {
		if n.set != 0 && f&n.set != 0 {
			words = append(words, n.name)
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ",")
}

// Has reports whether the set holds every kind of k.
func (f Faults) Has(k Faults) bool { return f&k == k }

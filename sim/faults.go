package sim

import (
	"fmt"
	"strings"
)

// Faults is a set of kinds of fault. The zero value is none.
type Faults uint16

// The kinds of fault.
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
	DiskFault                    // disks lose and tear what was not synced, fail, fill up, rot and are slow
	Backup                       // nodes start again from an old copy of their disk
	Clone                        // a copied home runs beside the original, or in its place
)

// All is every kind that the scenario offers.
const All = ^Faults(0)

// Offers are the kinds of fault that the scenario can have.
func (s *Scenario) Offers() Faults {
	offers := Hostile - 1 // those of the network and of processors, which every scenario has
	if s.Hostile != nil {
		offers |= Hostile
	}
	if s.Disk != nil {
		offers |= DiskFault | Backup | Clone
	}
	return offers
}

// faultNames are all kinds in the order of the design.
var faultNames = []struct {
	name string
	set  Faults
}{
	{"loss", Loss}, {"delay", Delay}, {"reorder", Reorder}, {"duplicate", Duplicate}, {"bandwidth", Bandwidth},
	{"partition", Partition}, {"oneway", OneWay}, {"churn", Churn}, {"skew", Skew}, {"disk", DiskFault}, {"backup", Backup}, {"clone", Clone},
	{"hostile", Hostile},
}

// Kinds names the kinds of fault that can be asked for.
func Kinds() []string {
	var all Faults
	for _, n := range faultNames {
		all |= n.set
	}
	return strings.Split(all.String(), ",")
}

// ParseFaults reads a list of kinds, such as "loss,churn"; "none" and "" are none, "all" is every kind that the scenario offers. A
// word that is no kind is refused with a sentence.
func ParseFaults(list string) (Faults, error) {
	var set Faults
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
			known = true
			set |= f.set
		}
		if !known {
			return 0, fmt.Errorf("fault %q is not known: choose of %s, or none", word, strings.Join(Kinds(), ", "))
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
		if f&n.set != 0 {
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

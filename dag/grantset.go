package dag

import "slices"

// grantSets interns the sets of grant deltas that stand in the past of deltas, so that a delta carries one number and the
// check of its credential is a search in a short list (DATA 2.1). Set 0 is empty. The genesis is in every past and in
// no set.
type grantSets struct {
	sets  [][]uint32 // ascending numbers of grant deltas
	byKey map[string]uint32
	pairs map[[2]uint32]uint32 // memo of union
	keys  map[Key][]granted
}

// granted is one grant to a key: the delta that grants and the role.
type granted struct {
	by   uint32
	role string
}

func newGrantSets() grantSets {
	return grantSets{
		sets:  [][]uint32{nil},
		byKey: map[string]uint32{"": 0},
		pairs: make(map[[2]uint32]uint32),
		keys:  make(map[Key][]granted),
	}
}

// intern gives the number of a set; it keeps the slice.
func (s *grantSets) intern(set []uint32) uint32 {
	b := make([]byte, 0, 4*len(set))
	for _, v := range set {
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	if n, ok := s.byKey[string(b)]; ok {
		return n
	}
	n := uint32(len(s.sets))
	s.sets = append(s.sets, set)
	s.byKey[string(b)] = n
	return n
}

func (s *grantSets) union(a, b uint32) uint32 {
	if a == b || b == 0 {
		return a
	}
	if a == 0 {
		return b
	}
	key := [2]uint32{min(a, b), max(a, b)}
	if n, ok := s.pairs[key]; ok {
		return n
	}
	set := slices.Concat(s.sets[a], s.sets[b])
	slices.Sort(set)
	n := s.intern(slices.Compact(set))
	s.pairs[key] = n
	return n
}

// found grants the founder, as an admin, by the genesis.
func (s *grantSets) found(k Key) { s.keys[k] = []granted{{by: 0, role: RoleAdmin}} }

// grantIn records what delta i grants. A key that the same delta grants already keeps its first role.
func (s *grantSets) grantIn(i uint32, gr Grant) {
	for _, k := range gr.Keys {
		if _, ok := s.role(k, i); !ok {
			s.keys[k] = append(s.keys[k], granted{by: i, role: gr.Role})
		}
	}
}

// grant records what delta i grants, and gives the set of its past with itself.
func (s *grantSets) grant(past, i uint32, gr Grant) uint32 {
	s.grantIn(i, gr)
	return s.intern(append(slices.Clone(s.sets[past]), i))
}

// revoke forgets what delta i granted, when its admission is undone.
func (s *grantSets) revoke(i uint32) {
	for _, set := range s.sets[1:] {
		if set[len(set)-1] == i {
			for k, list := range s.keys { //lint:unordered each key by itself: the order does not show
				list = slices.DeleteFunc(list, func(g granted) bool { return g.by == i })
				if s.keys[k] = list; len(list) == 0 {
					delete(s.keys, k)
				}
			}
			return
		}
	}
}

// inPast tells whether the credential stands in a past whose set is given.
func (s *grantSets) inPast(set, cred uint32) bool {
	if cred == 0 {
		return true
	}
	_, ok := slices.BinarySearch(s.sets[set], cred)
	return ok
}

// role gives the role that delta cred grants to a key.
func (s *grantSets) role(k Key, cred uint32) (string, bool) {
	for _, g := range s.keys[k] {
		if g.by == cred {
			return g.role, true
		}
	}
	return "", false
}

// credential picks the first grant to a key that stands in a past and allows a kind; known tells whether any
// grant to the key stands there.
func (s *grantSets) credential(k Key, set uint32, kind uint64) (cred uint32, known, allowed bool) {
	for _, g := range s.keys[k] {
		if !s.inPast(set, g.by) {
			continue
		}
		known = true
		if allows(g.role, kind) {
			return g.by, true, true
		}
	}
	return 0, known, false
}

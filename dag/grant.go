package dag

import (
	"fmt"
	"slices"
)

// The roles, in order of rank (DATA 2.2). An admin grants and writes, a member writes, a reader writes nothing.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"
)

// MaxGrantKeys is the greatest number of keys in one grant.
const MaxGrantKeys = 1024

// Grant is the payload of a genesis and of a grant delta: the keys that it grants, all in one role. In a genesis the
// founder is implied, as an admin; Keys are granted beside it and may be empty.
type Grant struct {
	// Keys are at most MaxGrantKeys.
	Keys []Key
	// Role is one of RoleAdmin, RoleMember, RoleReader; empty means RoleMember.
	Role string
}

// Encode gives the canonical payload, the array [role, [key, …]] with the keys ascending and once each. Errors: an
// unknown role, too many keys.
func (g Grant) Encode() ([]byte, error) {
	role := g.Role
	if role == "" {
		role = RoleMember
	}
	if !validRole(role) {
		return nil, fmt.Errorf("dag: grant: the role %q is none of admin, member, reader", g.Role)
	}
	keys := slices.Clone(g.Keys)
	slices.SortFunc(keys, Key.Compare) //lint:total-key equal keys are the same
	keys = slices.Compact(keys)
	if len(keys) > MaxGrantKeys {
		return nil, fmt.Errorf("dag: grant: %d keys, at most %d are allowed in one grant", len(keys), MaxGrantKeys)
	}
	b := appendHead(nil, majorArray, 2)
	b = appendText(b, role)
	b = appendHead(b, majorArray, uint64(len(keys)))
	for _, k := range keys {
		b = appendBytes(b, k[:])
	}
	return b, nil
}

// DecodeGrant reads what Encode gave, and nothing else. A payload that it refuses, in a good envelope, grants nothing on
// any node (DATA 1.7). Errors are *FormatError.
func DecodeGrant(payload []byte) (Grant, error) {
	r := reader{b: payload}
	var g Grant
	if n := r.array("the grant", 2); r.err == nil && n != 2 {
		r.fail(Malformed, "a grant has %d fields, not 2", n)
	}
	g.Role = string(r.str("role", majorText, 16))
	if r.err == nil && !validRole(g.Role) {
		r.fail(Malformed, "the role %q is none of admin, member, reader", g.Role)
	}
	n := r.array("keys", MaxGrantKeys)
	for i := 0; i < n && r.err == nil; i++ {
		var k Key
		r.fixed("a key", k[:], false)
		if i > 0 && r.err == nil && g.Keys[i-1].Compare(k) >= 0 {
			r.fail(NotCanonical, "keys are not ascending")
		}
		g.Keys = append(g.Keys, k)
	}
	r.end("the grant")
	if r.err != nil {
		return Grant{}, r.err
	}
	return g, nil
}

func validRole(s string) bool { return s == RoleAdmin || s == RoleMember || s == RoleReader }

// allows tells whether a role may make a delta of a kind. A kind that this version does not know is any credential's to
// make: its rule is not known here, and a refusal would divide nodes by their version.
func allows(role string, kind uint64) bool {
	switch kind {
	case KindGenesis:
		return false
	case KindGrant:
		return role == RoleAdmin
	case KindData:
		return role == RoleAdmin || role == RoleMember
	default:
		return true
	}
}

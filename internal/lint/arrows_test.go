package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rows is the house from top to bottom: a folder may import what stands in a
// lower row, and itself. docs/architecture.md has the same list with reasons.
var rows = [][]string{
	{"cmd"}, {"testnet"}, {"api"}, {"node"}, {"p2p"}, {"components"}, {"opsets"},
	{"ops"}, {"sim"}, {"crdt"}, {"dag", "blob"}, {"graph"},
}

// apart are the folders that stand outside the list: they may import anything
// that Go lets them, and nothing in the list may import them.
var apart = []string{"bench", "examples", "sdk", "docs", "internal/lint", "internal/mutants"}

// divided are the folders whose children do not know each other.
var divided = []string{"components", "opsets"}

func row(folder string) int {
	return slices.IndexFunc(rows, func(r []string) bool { return slices.Contains(r, folder) })
}

func top(dir string) string {
	folder, _, _ := strings.Cut(dir, "/")
	return folder
}

// unit is the part of the tree inside which imports are free.
func unit(dir string) string {
	parts := strings.Split(dir, "/")
	if len(parts) > 1 && slices.Contains(divided, parts[0]) {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func isApart(dir string) bool {
	return slices.ContainsFunc(apart, func(a string) bool { return dir == a || strings.HasPrefix(dir, a+"/") })
}

// arrow says what is wrong with an import between two folders of the module,
// and gives "" when nothing is.
func arrow(from, to string) string {
	if isApart(from) {
		return ""
	}
	if isApart(to) {
		return fmt.Sprintf("%s stands outside the house: nothing in it may import it", to)
	}
	if from == "" || to == "" {
		return "the module's root holds no code that others share: move it into a folder of the house"
	}
	if top(to) == "internal" {
		if t := top(from); t == "graph" || t == "sim" {
			return fmt.Sprintf("%s can be taken alone, so it may not use internal/: copy the few lines, or keep them below %s/internal", t, t)
		}
		return ""
	}
	if top(from) == "internal" {
		return "internal/ holds small encodings that everyone may use, so it knows nothing of the house: pass the value in"
	}
	if unit(from) == unit(to) {
		return ""
	}
	f, t := row(top(from)), row(top(to))
	switch {
	case f < 0:
		return fmt.Sprintf("folder %s has no row in the house: move the package, or give it a row in docs/architecture.md and here", top(from))
	case t < 0:
		return fmt.Sprintf("folder %s has no row in the house: move the package, or give it a row in docs/architecture.md and here", top(to))
	case top(from) == "sim" && top(to) != "graph":
		return "sim can be taken alone: of this tree it imports graph and nothing else"
	case f == t && top(from) == top(to):
		return fmt.Sprintf("%s and %s do not know each other: declare the small interface that is needed and let node bind it", unit(from), unit(to))
	case f == t:
		return fmt.Sprintf("%s and %s share a row, and folders of one row do not import each other", top(from), top(to))
	case f > t:
		return fmt.Sprintf("%s stands above %s, and arrows go down only: pass what is needed in, as a value or an interface", top(to), top(from))
	}
	return ""
}

func TestArrows(t *testing.T) {
	for _, p := range ownPackages(t) {
		from, _ := p.rel()
		if from != "" && top(from) != "internal" && !isApart(from) && row(top(from)) < 0 {
			t.Errorf("%s: folder %s has no row in the house: move the package, or give it a row in docs/architecture.md and here", p.ImportPath, top(from))
		}
		for _, imported := range p.Imports {
			to, ours := below(imported)
			if !ours {
				continue
			}
			if why := arrow(from, to); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
}

func TestArrowRule(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"cmd/merod", "node", true},
		{"node", "cmd/merod", false},
		{"cmd/merod", "cmd/merod/show", true},
		{"components/store", "components/contexts", false},
		{"components/store", "components/store/storetest", true},
		{"components/store", "opsets/replicate", true},
		{"opsets/replicate", "components/store", false},
		{"opsets/replicate", "opsets/globalregistry", false},
		{"opsets/replicate", "sim", true},
		{"dag", "blob", false},
		{"blob", "dag", false},
		{"crdt", "dag", true},
		{"dag", "crdt", false},
		{"sim", "graph", true},
		{"sim", "dag", false},
		{"graph", "sim", false},
		{"graph", "graph/internal/plan", true},
		{"dag", "internal/cid", true},
		{"graph", "internal/cid", false},
		{"sim", "internal/cid", false},
		{"internal/cid", "dag", false},
		{"examples/chat", "node", true},
		{"node", "examples/chat", false},
		{"node", "somewhere", false},
		{"somewhere", "graph", false},
	} {
		if why := arrow(c.from, c.to); (why == "") != c.ok {
			t.Errorf("%s imports %s: allowed %v, want %v (%s)", c.from, c.to, why == "", c.ok, why)
		}
	}
}

// TestImportBudget keeps the small packages small: whoever takes one of them
// alone downloads these modules and no others.
func TestImportBudget(t *testing.T) {
	core := []string{"github.com/fxamacker/cbor/v2", "github.com/x448/float16"}
	data := append(slices.Clone(core),
		"lukechampine.com/blake3", "github.com/klauspost/cpuid/v2",
		"github.com/ipfs/go-datastore", "github.com/google/uuid", "golang.org/x/sys")
	budgets := map[string][]string{"graph": core, "sim": core, "dag": data, "crdt": data, "blob": data}

	pkgs := allPackages(t)
	for _, p := range ownPackages(t) {
		dir, _ := p.rel()
		budget, small := budgets[top(dir)]
		if !small {
			continue
		}
		told := map[string]bool{}
		for _, dep := range p.Deps {
			d := pkgs[dep]
			if d == nil || d.Standard || d.Module == nil || d.Module.Path == modulePath {
				continue
			}
			if m := d.Module.Path; !slices.Contains(budget, m) && !told[m] {
				told[m] = true
				t.Errorf("%s needs module %s (by package %s), which its budget does not hold: move the code that needs it to a higher folder, or pass it in as an interface", p.ImportPath, m, dep)
			}
		}
	}
}

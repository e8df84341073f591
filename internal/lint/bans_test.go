package lint

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// cores are the folders whose code may depend on nothing but what its host
// gives it, so that one seed makes one run.
var cores = []string{"graph", "sim", "ops", "opsets", "dag", "crdt", "components"}

// inCore says whether a file is held to the rule. A component's drivers do
// its input and output; conformance suites (storetest, graphtest) are tests.
func inCore(dir, name string) bool {
	if !slices.Contains(cores, top(dir)) || strings.HasSuffix(path.Base(dir), "test") {
		return false
	}
	if top(dir) == "components" {
		return !strings.HasPrefix(name, "driver") && !slices.Contains(strings.Split(dir, "/"), "driver")
	}
	return true
}

// exported has the compiled interfaces of the cores, of all that they import,
// and of the packages that the sample in testdata imports.
var exported = sync.OnceValues(func() (map[string]*pkg, error) {
	args := []string{"-export", "fmt", "maps", "math/rand", "math/rand/v2", "crypto/rand", "reflect", "slices", "sort", "sync", "time"}
	for _, folder := range cores {
		if info, err := os.Stat(filepath.Join(root(), folder)); err == nil && info.IsDir() {
			args = append(args, "./"+folder+"/...")
		}
	}
	return goList(args...)
})

func TestBans(t *testing.T) {
	repositoryFiles(t)
	pkgs, err := exported()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.SortedFunc(maps.Values(pkgs), func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) }) {
		dir, ours := p.rel()
		if !ours || p.DepOnly || !slices.ContainsFunc(p.GoFiles, func(f string) bool { return inCore(dir, f) }) {
			continue
		}
		t.Run(strings.ReplaceAll(dir, "/", "."), func(t *testing.T) {
			if p.Error != nil {
				t.Fatalf("go list: %s", p.Error.Err)
			}
			found, err := bans(pkgs, p.Dir, p.GoFiles)
			if err != nil {
				t.Fatalf("does not type-check: %v", err)
			}
			for _, v := range found {
				if inCore(dir, v.file) {
					t.Errorf("%s/%s:%d: %s", dir, v.file, v.line, v.text())
				}
			}
		})
	}
}

// TestBansSample runs the rule over a package that breaks it in every way:
// each line says in a comment which kinds must be found there.
func TestBansSample(t *testing.T) {
	repositoryFiles(t)
	pkgs, err := exported()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root(), "internal", "lint", "testdata", "bans")
	found, err := bans(pkgs, dir, []string{"bans.go"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[int][]string{}
	seen := map[string]bool{}
	for _, v := range found {
		got[v.line] = append(got[v.line], v.kind)
		seen[v.kind] = true
	}
	data, err := os.ReadFile(filepath.Join(dir, "bans.go"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		var want []string
		if _, kinds, ok := strings.Cut(line, "// want: "); ok {
			want = strings.Fields(kinds)
		}
		slices.Sort(want)
		have := got[i+1]
		slices.Sort(have)
		if !slices.Equal(want, have) {
			t.Errorf("bans.go:%d: found %v, want %v in %q", i+1, have, want, strings.TrimSpace(line))
		}
	}
	for kind := range advice {
		if !seen[kind] {
			t.Errorf("the sample has no line that breaks %q", kind)
		}
	}
}

// violation is one place that breaks the rule.
type violation struct {
	file string
	line int
	kind string // a key of advice
	what string
}

func (v violation) text() string { return fmt.Sprintf("%s: %s", v.what, advice[v.kind]) }

// advice says, for each kind of violation, why it is one and what to do.
var advice = map[string]string{
	"go":      "the order of goroutines is not the host's: return, and let the host or a driver do it",
	"select":  "select picks at random: take events from the inbox, in its order",
	"time":    "the host alone knows the time: take a graph.Time or a duration as an argument",
	"rand":    "global randomness has no seed: take a source from the host",
	"entropy": "randomness comes from the host: take an io.Reader, or add //lint:entropy reason",
	"pool":    "a sync.Pool gives what the collector left: keep a free list in the owner",
	"sort":    "an unstable sort shows the order of equal elements: use slices.SortStableFunc or slices.Sort, or add //lint:total-key reason",
	"map":     "a map has no order: walk sorted keys, or add //lint:unordered reason when the order cannot show",
	"pointer": "an address differs in each run: print a name or an id",
	"float":   "the compiler may fuse this product into the sum on some machines: write float64(x*y)",
	"comment": "say why the rule does not apply here",
}

// escape names the comment that allows a kind of violation on its line.
var escape = map[string]string{"map": "unordered", "sort": "total-key", "entropy": "entropy"}

// bans type-checks the files of one package and gives what breaks the rule.
func bans(pkgs map[string]*pkg, dir string, names []string) ([]violation, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	lookup := func(path string) (io.ReadCloser, error) {
		p := pkgs[path]
		if p == nil || p.Export == "" {
			return nil, fmt.Errorf("%s does not build", path)
		}
		return os.Open(p.Export)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}
	if _, err := config.Check(filepath.Base(dir), fset, files, info); err != nil {
		return nil, err
	}
	var found []violation
	for _, f := range files {
		c := &checker{fset: fset, info: info, allowed: map[string]bool{}, calm: map[ast.Node]bool{}}
		c.comments(f)
		ast.Inspect(f, c.visit)
		found = append(found, c.found...)
	}
	return found, nil
}

type checker struct {
	fset    *token.FileSet
	info    *types.Info
	allowed map[string]bool   // "line word" for each line that an escape covers
	calm    map[ast.Node]bool // calls whose result is put in order at once
	found   []violation
}

var escapeComment = regexp.MustCompile(`^//lint:(unordered|total-key|entropy)\b[ \t]*(.*)$`)

func (c *checker) comments(f *ast.File) {
	for _, group := range f.Comments {
		for _, comment := range group.List {
			m := escapeComment.FindStringSubmatch(comment.Text)
			if m == nil {
				continue
			}
			if reason, _, _ := strings.Cut(m[2], "//"); strings.TrimSpace(reason) == "" {
				c.report(comment.Pos(), "comment", "//lint:"+m[1]+" without a reason")
				continue
			}
			line := c.fset.Position(comment.Pos()).Line
			c.allowed[fmt.Sprint(line, m[1])] = true
			c.allowed[fmt.Sprint(line+1, m[1])] = true
		}
	}
}

func (c *checker) report(pos token.Pos, kind, what string) {
	p := c.fset.Position(pos)
	if word, ok := escape[kind]; ok && c.allowed[fmt.Sprint(p.Line, word)] {
		return
	}
	c.found = append(c.found, violation{filepath.Base(p.Filename), p.Line, kind, what})
}

func (c *checker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n.Pos(), "go", "go statement")
	case *ast.SelectStmt:
		c.report(n.Pos(), "select", "select")
	case *ast.RangeStmt:
		if isMap(c.info.TypeOf(n.X)) {
			c.report(n.Pos(), "map", "range over a map")
		}
	case *ast.CallExpr:
		c.call(n)
	case *ast.SelectorExpr:
		c.use(n, n.Sel)
	case *ast.BinaryExpr:
		if n.Op == token.ADD || n.Op == token.SUB {
			c.fused(n.X)
			c.fused(n.Y)
		}
	case *ast.AssignStmt:
		if n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN {
			c.fused(n.Rhs[0])
		}
	}
	return true
}

// use looks at one qualified name or method, called or not.
func (c *checker) use(whole ast.Node, name *ast.Ident) {
	obj := c.info.Uses[name]
	if obj == nil || obj.Pkg() == nil {
		return
	}
	from := obj.Pkg().Path()
	full := obj.Pkg().Name() + "." + obj.Name()
	if fn, ok := obj.(*types.Func); ok {
		if recv := fn.Signature().Recv(); recv != nil {
			switch {
			case from == "reflect" && slices.Contains([]string{"MapKeys", "MapRange"}, obj.Name()),
				from == "sync" && obj.Name() == "Range":
				c.report(name.Pos(), "map", "a walk over a map with "+obj.Name())
			}
			return
		}
	}
	_, isType := obj.(*types.TypeName)
	switch from {
	case "time":
		if slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}, obj.Name()) {
			c.report(name.Pos(), "time", full)
		}
	case "math/rand", "math/rand/v2":
		if !isType && !strings.HasPrefix(obj.Name(), "New") {
			c.report(name.Pos(), "rand", full)
		}
	case "crypto/rand":
		c.report(name.Pos(), "entropy", full)
	case "sync":
		if obj.Name() == "Pool" {
			c.report(name.Pos(), "pool", full)
		}
	case "sort":
		if slices.Contains([]string{"Slice", "Sort"}, obj.Name()) {
			c.report(name.Pos(), "sort", full)
		}
	case "slices":
		if slices.Contains([]string{"SortFunc", "SortedFunc"}, obj.Name()) {
			c.report(name.Pos(), "sort", full)
		}
	case "maps":
		if slices.Contains([]string{"All", "Keys", "Values"}, obj.Name()) && !c.calm[whole] {
			c.report(name.Pos(), "map", full)
		}
	}
}

var addressVerb = regexp.MustCompile(`%[-+# 0]*[0-9]*p`)

func (c *checker) call(n *ast.CallExpr) {
	fun := ast.Unparen(n.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	obj := c.info.Uses[sel.Sel]
	if obj == nil || obj.Pkg() == nil {
		return
	}
	if obj.Pkg().Path() == "slices" && strings.HasPrefix(obj.Name(), "Sorted") && len(n.Args) > 0 {
		// The keys of a map differ from each other, so any sort of them by
		// themselves is total; a comparison of our own is reported as a sort.
		if inner, ok := n.Args[0].(*ast.CallExpr); ok {
			c.calm[ast.Unparen(inner.Fun)] = true
		}
	}
	if strings.HasSuffix(obj.Name(), "f") {
		for _, arg := range n.Args {
			value := c.info.Types[arg].Value
			if value != nil && addressVerb.MatchString(strings.ReplaceAll(value.ExactString(), "%%", "")) {
				c.report(arg.Pos(), "pointer", "the verb %p")
			}
		}
	}
}

// fused reports a product of floats that stands bare in a sum.
func (c *checker) fused(e ast.Expr) {
	product, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok || product.Op != token.MUL || c.info.Types[product].Value != nil {
		return
	}
	if basic, ok := c.info.TypeOf(product).Underlying().(*types.Basic); ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 {
		c.report(product.Pos(), "float", "a product of floats inside a sum")
	}
}

// isMap also sees through a type parameter whose constraint has a map in it.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		if _, ok := types.Unalias(t).(*types.TypeParam); !ok {
			return false
		}
		for i := range u.NumEmbeddeds() {
			switch e := u.EmbeddedType(i).(type) {
			case *types.Union:
				for j := range e.Len() {
					if isMap(e.Term(j).Type()) {
						return true
					}
				}
			default:
				if isMap(e) {
					return true
				}
			}
		}
	}
	return false
}

package lint

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
)

var update = flag.Bool("update", false, "write docs/ops.md anew")

// folderOf says where the source of an opset is.
var folderOf = map[string]string{"ops": "ops", "globalregistry": "opsets/globalregistry", "replicate": "opsets/replicate", "blobexchange": "opsets/blobexchange"}

const (
	opsPage = "docs/ops.md"
	begin   = "<!-- begin: go test ./internal/lint -run TestOpsPage -update -->\n"
	end     = "<!-- end -->\n"
)

// TestOpsPage has docs/ops.md list the ops as the opsets do. What stands outside of the marks is written by hand.
func TestOpsPage(t *testing.T) {
	var list bytes.Buffer
	for _, set := range (graph.Opsets{}).With(ops.Ops, globalregistry.Ops, replicate.Ops, blobexchange.Ops).All() {
		folder, ok := folderOf[set.Name()]
		if !ok {
			t.Fatalf("folderOf does not say where the opset %s is", set.Name())
		}
		said := docsOfOps(t, folder)
		fmt.Fprintf(&list, "\n### %s\n\n| op | version | in | out | |\n|---|---|---|---|---|\n", set.Name())
		for _, o := range set.Ops() {
			name := strings.TrimPrefix(o.Name, set.Name()+".")
			text, ok := said[name]
			if !ok {
				t.Errorf("%s: no Go function or value of %s makes it, or it has no comment", o.Name, folder)
			}
			fmt.Fprintf(&list, "| `%s` | %d | %s | %s | %s |\n", o.Name, o.Version, portList(set, o.In), portList(set, o.Out), strings.ReplaceAll(text, "|", `\|`))
		}
	}
	path := filepath.Join(root(), opsPage)
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks %q and %q", opsPage, begin, end)
	}
	want := slices.Concat(before, []byte(begin), list.Bytes(), []byte("\n"+end), after)
	switch {
	case bytes.Equal(want, page):
	case *update:
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not list the ops as they are: go test ./internal/lint -run TestOpsPage -update", opsPage)
	}
}

// portList writes the types of ports, those of the opset's own package without its name.
func portList(set *graph.Opset, types []string) string {
	out := make([]string, len(types))
	for i, s := range types {
		out[i] = "`" + strings.ReplaceAll(s, set.Name()+".", "") + "`"
	}
	return strings.Join(out, "<br>")
}

// docsOfOps gives the first sentence of the comment of each op of a folder: of the function LimitRate for limit_rate, or of the
// variable that holds graph.Op1(Ops, "name", …).
func docsOfOps(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(), folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	said, set := map[string]string{}, token.NewFileSet()
	say := func(name string, comments ...*ast.CommentGroup) {
		for _, c := range comments {
			if text := c.Text(); text != "" {
				said[name] = new(doc.Package).Synopsis(text)
				return
			}
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					say(snake(d.Name.Name), d.Doc)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, ok := s.(*ast.ValueSpec); ok {
						for _, x := range v.Values {
							if name, ok := opNamed(x); ok {
								say(name, v.Doc, d.Doc, v.Comment)
							}
						}
					}
				}
			}
		}
	}
	return said
}

// opNamed finds the name in graph.Op1(Ops, "name", …).
func opNamed(x ast.Expr) (string, bool) {
	call, ok := x.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return "", false
	}
	if set, ok := call.Args[0].(*ast.Ident); !ok || set.Name != "Ops" {
		return "", false
	}
	lit, ok := call.Args[1].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(lit.Value)
	return name, err == nil
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

package dag

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestCoreIsPure keeps DESIGN 2.11 and 8: what dag may import, no goroutine, no select, no clock, and files of one subject.
func TestCoreIsPure(t *testing.T) {
	allowed := []string{"lukechampine.com/blake3", "lukechampine.com/blake3/guts", "github.com/fxamacker/cbor/v2", "golang.org/x/sys/unix",
		"github.com/merograph/merograph/internal/cid"}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".go") {
			continue
		}
		src, err := os.ReadFile(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(src), "\n"); lines > 400 {
			t.Errorf("%s has %d lines", n.Name(), lines)
		}
		if strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), n.Name(), src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			std := !strings.Contains(strings.Split(path, "/")[0], ".")
			if !std && !slices.Contains(allowed, path) || strings.Contains(path, "math/rand") || path == "crypto/rand" {
				t.Errorf("%s imports %s", n.Name(), path)
			}
		}
		ast.Inspect(f, func(x ast.Node) bool {
			switch x := x.(type) {
			case *ast.GoStmt, *ast.SelectStmt:
				t.Errorf("%s starts a goroutine or selects", n.Name())
			case *ast.SelectorExpr:
				if p, ok := x.X.(*ast.Ident); ok && p.Name == "time" && slices.Contains([]string{"Now", "Since", "After", "Sleep"}, x.Sel.Name) {
					t.Errorf("%s reads the clock", n.Name())
				}
			}
			return true
		})
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.IsExported() && fn.Doc == nil && exportedReceiver(fn) {
				t.Errorf("%s: %s has no comment", n.Name(), fn.Name.Name)
			}
		}
	}
}

func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	x := fn.Recv.List[0].Type
	if s, ok := x.(*ast.StarExpr); ok {
		x = s.X
	}
	id, ok := x.(*ast.Ident)
	return ok && id.IsExported()
}

package lint

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPackageDocs(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "misc"}
	for _, p := range ownPackages(t) {
		if slices.Contains(banned, p.Name) || slices.Contains(banned, path.Base(p.ImportPath)) {
			t.Errorf("%s: a package named %s says nothing: name it after what it holds, or move the code to where it is used", p.ImportPath, p.Name)
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: its doc comment begins %q: write one that begins %q and says what the package is for", p.ImportPath, p.Doc, want+"…")
		}
	}
}

const maxLines = 800

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestFileSizes(t *testing.T) {
	for _, f := range repositoryFiles(t) {
		if path.Ext(f.path) != ".go" || generated.Match(f.data) {
			continue
		}
		if n := bytes.Count(f.data, []byte("\n")); n > maxLines {
			t.Errorf("%s: %d lines, more than %d: split it by concept, one a file", f.path, n, maxLines)
		}
	}
}

func TestDependenciesDocumented(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit -json: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	const page = "docs/dependencies.md"
	var told []string
	for _, f := range repositoryFiles(t) {
		if f.path != page {
			continue
		}
		for line := range strings.Lines(string(f.data)) {
			if _, rest, ok := strings.Cut(line, "| `"); ok {
				name, _, _ := strings.Cut(rest, "`")
				told = append(told, name)
			}
		}
	}
	for _, r := range mod.Require {
		if !r.Indirect && !slices.Contains(told, r.Path) {
			t.Errorf("go.mod requires %s: give its reason one line in the table of %s", r.Path, page)
		}
	}
}

// machinePaths finds folders of the machine in text: a match is a place that
// no other checkout has.
func machinePaths(checkout, home string) *regexp.Regexp {
	var alternatives []string
	if strings.Count(checkout, "/") > 1 {
		alternatives = append(alternatives, regexp.QuoteMeta(checkout)+`\b`)
	}
	if len(home) > 1 {
		alternatives = append(alternatives, regexp.QuoteMeta(home)+`/[\w.~-]`)
	}
	if alternatives == nil {
		return nil
	}
	return regexp.MustCompile(`(?:^|[^\w./~$}\])>-])(` + strings.Join(alternatives, "|") + `)`)
}

func TestNoMachinePaths(t *testing.T) {
	home, _ := os.UserHomeDir()
	re := machinePaths(root(), home)
	if re == nil {
		t.Skip("the checkout and the home are too short to be told from other words")
	}
	for _, f := range repositoryFiles(t) {
		if !utf8.Valid(f.data) {
			continue
		}
		for i, line := range bytes.Split(f.data, []byte("\n")) {
			if m := re.FindSubmatch(line); m != nil {
				t.Errorf("%s:%d: names %q, a folder of this machine: write the path from the repository's root, or take it from the environment", f.path, i+1, m[1])
			}
		}
	}
}

func TestMachinePathRule(t *testing.T) {
	re := machinePaths("/src/mero", "/home/ann")
	for text, want := range map[string]bool{
		"cd /src/mero && make":     true,
		`"/src/mero/graph"`:        true,
		"/home/ann/.merod":         true,
		"/src/merod":               false,
		"/home/anna/x":             false,
		"/usr/src/mero":            false,
		"https://x.org/home/ann/x": false,
	} {
		if got := re.MatchString(text); got != want {
			t.Errorf("%q: found %v, want %v", text, got, want)
		}
	}
}

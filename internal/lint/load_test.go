package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
)

const modulePath = "github.com/merograph/merograph"

// pkg is the part of an answer of `go list -json` that the rules read.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Standard   bool
	DepOnly    bool
	GoFiles    []string
	Imports    []string
	Deps       []string
	Export     string
	Module     *struct{ Path string }
	Error      *struct{ Err string }
}

// rel gives the package's folder below the module's root, "" for the root
// itself; ok is false for packages of other modules.
func (p *pkg) rel() (dir string, ok bool) { return below(p.ImportPath) }

func below(importPath string) (string, bool) {
	if importPath == modulePath {
		return "", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

// root gives the folder of the module, absolute.
var root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(dir))
})

// goList runs `go list` at the module's root and gives its packages by path.
func goList(args ...string) (map[string]*pkg, error) {
	fields := "-json=ImportPath,Dir,Name,Doc,Standard,DepOnly,GoFiles,Imports,Deps,Export,Module,Error"
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", fields}, args...)...)
	cmd.Dir = root()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	pkgs := map[string]*pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs[p.ImportPath] = p
	}
}

// listed is every package of the module with all that it needs. It does not
// compile anything, so that a package which does not build hides no other fault.
var listed = sync.OnceValues(func() (map[string]*pkg, error) { return goList("./...") })

func allPackages(t *testing.T) map[string]*pkg {
	t.Helper()
	if _, err := sourceFiles(); err != nil {
		t.Fatal(err)
	}
	pkgs, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// ownPackages gives the module's packages in the order of their paths.
func ownPackages(t *testing.T) []*pkg {
	t.Helper()
	var own []*pkg
	for _, p := range allPackages(t) {
		if _, ok := p.rel(); ok && !p.DepOnly {
			own = append(own, p)
		}
	}
	sort.Slice(own, func(i, j int) bool { return own[i].ImportPath < own[j].ImportPath })
	return own
}

// file is one file of the repository: its slashed path below the root, and its bytes.
type file struct {
	path string
	data []byte
}

// sourceFiles reads every file that is in the repository or could be added to
// it. Reading them here also tells the go command what these tests depend on:
// their cached result is dropped when any of the files changes.
var sourceFiles = sync.OnceValues(func() ([]file, error) {
	paths, err := gitFiles()
	if err != nil {
		paths, err = walkedFiles()
	}
	if err != nil {
		return nil, err
	}
	var files []file
	dirs := map[string]bool{}
	for _, path := range paths {
		full := filepath.Join(root(), filepath.FromSlash(path))
		if info, err := os.Lstat(full); err != nil || !info.Mode().IsRegular() {
			continue // deleted but not yet committed, a link, a nested checkout
		}
		data, err := os.ReadFile(full)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{path, data})
		dirs[filepath.Dir(full)] = true
	}
	for dir := range dirs { // so that a new file, too, drops the cached result
		if _, err := os.ReadDir(dir); err != nil {
			return nil, err
		}
	}
	return files, nil
})

func gitFiles() ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root()
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	paths := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(paths) < 2 {
		return nil, errors.New("git knows no files here")
	}
	return paths, nil
}

func walkedFiles() ([]string, error) {
	var paths []string
	err := filepath.WalkDir(root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root(), path)
		if err != nil {
			return err
		}
		if d.IsDir() && (rel == ".git" || rel == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			paths = append(paths, filepath.ToSlash(rel))
		}
		return nil
	})
	return paths, err
}

func repositoryFiles(t *testing.T) []file {
	t.Helper()
	files, err := sourceFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

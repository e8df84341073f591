package blob

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errInjected = errors.New("injected")

// faulty is a directory that logs each operation, fails from one of them on, and knows what a power cut would leave.
type faulty struct {
	files
	log    []string
	failAt int // the operation that fails, and all after it; 0: none
	names  map[string]string
	synced map[string]bool // files, by their name at the time
}

func newFaulty(f files) *faulty {
	return &faulty{files: f, names: map[string]string{}, synced: map[string]bool{}}
}

// step logs an operation and says whether it fails. Temporary names are numbered as they come.
func (f *faulty) step(format string, names ...string) error {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
		if isTemp(n) {
			if f.names[n] == "" {
				f.names[n] = fmt.Sprintf("tmp%d", len(f.names)+1)
			}
			args[i] = f.names[n]
		} else if len(n) > 20 {
			args[i] = "ID" + strings.TrimPrefix(n, strings.TrimSuffix(n, treeSuffix))
		}
	}
	f.log = append(f.log, fmt.Sprintf(format, args...))
	if f.failAt > 0 && len(f.log) >= f.failAt {
		return fmt.Errorf("operation %d: %w", f.failAt, errInjected)
	}
	return nil
}

func (f *faulty) create() (string, file, error) {
	name, g, err := f.files.create()
	if err != nil {
		return "", nil, err
	}
	if err := f.step("create %s", name); err != nil {
		return "", nil, errors.Join(err, g.Close())
	}
	return name, &faultyFile{g, f, name}, nil
}

func (f *faulty) open(name string) (file, error) {
	g, err := f.files.open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{g, f, name}, nil
}

func (f *faulty) rename(from, to string) error {
	if err := f.step("rename %s %s", from, to); err != nil {
		return err
	}
	f.synced[to] = f.synced[from]
	return f.files.rename(from, to)
}

func (f *faulty) remove(name string) error {
	if err := f.step("remove %s", name); err != nil {
		return err
	}
	return f.files.remove(name)
}

func (f *faulty) sync() error {
	if err := f.step("sync directory"); err != nil {
		return err
	}
	return f.files.sync()
}

type faultyFile struct {
	file
	f    *faulty
	name string
}

func (g *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := g.f.step(fmt.Sprintf("write %%s %d+%d", off, len(p)), g.name); err != nil {
		n, _ := g.file.WriteAt(p[:len(p)/2], off) // torn
		return n, err
	}
	g.f.synced[g.name] = false
	return g.file.WriteAt(p, off)
}

func (g *faultyFile) Sync() error {
	if err := g.f.step("sync %s", g.name); err != nil {
		return err
	}
	g.f.synced[g.name] = true
	return g.file.Sync()
}

// powerCut empties the files whose content was not synced; what was renamed stays renamed, which is the worse case.
func (f *faulty) powerCut(t *testing.T, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !f.synced[e.Name()] {
			if err := os.Truncate(filepath.Join(dir, e.Name()), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func pattern(n int) []byte { return bytes.Repeat([]byte("merograph"), n/9+1)[:n] }

// scripts are what the fault tests do to a store.
var scripts = map[string]func(s *Store, content []byte) error{
	"add": func(s *Store, content []byte) error {
		_, _, err := s.Add(bytes.NewReader(content))
		return err
	},
	"receive": func(s *Store, content []byte) error {
		from := NewMem()
		id, size, err := from.Add(bytes.NewReader(content))
		if err != nil {
			return err
		}
		r, err := s.Receive(id, size)
		if err != nil {
			return err
		}
		defer r.Abort()
		for {
			off, length, done := r.Next()
			if done {
				return nil
			}
			slice, err := from.ReadSlice(id, off, length)
			if err == nil {
				err = r.Write(off, slice)
			}
			if err != nil {
				return err
			}
		}
	},
}

// TestFileOperations holds the order of writes, syncs and renames, so that a change of it is seen.
func TestFileOperations(t *testing.T) {
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(disk(t.TempDir()))
			s, err := newStore(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := script(s, pattern(40000)); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "operations-"+name+".txt")
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), strings.Join(f.log, "\n")+"\n"); diff != "" {
				t.Fatalf("the file operations are not those of %s\n%s", golden, diff)
			}
		})
	}
}

// TestCrashAtEachOperation fails every file operation in turn, from it on, cuts the power, and opens again: the blob is
// there, whole, or it is not there at all; when the store said that it was done it is there. Nothing else is left.
func TestCrashAtEachOperation(t *testing.T) {
	content := pattern(MaxSlice + 40000)
	id := mustID(t, content)
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			for failAt := 1; ; failAt++ {
				dir := t.TempDir()
				old := pattern(20000) // was there before
				before, err := Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				oldID, _, err := before.Add(bytes.NewReader(old))
				if err != nil {
					t.Fatal(err)
				}
				f := newFaulty(disk(dir))
				f.synced[oldID.String()], f.synced[oldID.String()+treeSuffix] = true, true
				s, err := newStore(f)
				if err != nil {
					t.Fatal(err)
				}
				f.failAt = failAt
				err = script(s, content)
				if err != nil && !errors.Is(err, errInjected) {
					t.Fatal(err)
				}
				if _, held := s.Has(id); held != (err == nil) {
					t.Fatalf("operation %d: error %v, held %v", failAt, err, held)
				}
				f.powerCut(t, dir)
				checkAfterCrash(t, dir, failAt, err == nil, content, old)
				if err == nil {
					if failAt < 8 {
						t.Fatalf("only %d operations", failAt)
					}
					return
				}
			}
		})
	}
}

func checkAfterCrash(t *testing.T, dir string, failAt int, done bool, contents ...[]byte) {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for i, content := range contents {
		id := mustID(t, content)
		size, held := s.Has(id)
		if !held && (done || i > 0) {
			t.Fatalf("operation %d: a blob that was stored is gone", failAt)
		}
		if !held {
			continue
		}
		files += 2
		if size != int64(len(content)) {
			t.Fatalf("operation %d: a blob of %d bytes, want %d", failAt, size, len(content))
		}
		if _, err := s.ReadSlice(id, 0, min(size, MaxSlice)); err != nil {
			t.Fatalf("operation %d: %v", failAt, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != files {
		t.Fatalf("operation %d: %d files are left, want %d: %v", failAt, len(entries), files, entries)
	}
}

func mustID(t *testing.T, content []byte) ID {
	t.Helper()
	id, _, err := NewMem().Add(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOpenRemovesLeftoversOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "home")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := s.Add(strings.NewReader("kept"))
	if err != nil {
		t.Fatal(err)
	}
	orphan := ID{7}.String() + treeSuffix
	for _, name := range []string{"tmp-123", "tmp-", orphan, "note.txt", "x.tree"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, held := s.Has(id); !held {
		t.Error("the blob is gone")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff([]string{id.String(), id.String() + treeSuffix, "note.txt", "x.tree"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Open(filepath.Join(dir, "note.txt")); err == nil {
		t.Error("a file is opened as a store")
	}
}

// TestDamage changes what lies on the disk. Bytes that changed are not given away; a tree that changed is made again.
func TestDamage(t *testing.T) {
	content := pattern(3*GroupSize + 5)
	setUp := func(t *testing.T) (*Store, ID, string) {
		dir := t.TempDir()
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := s.Add(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		return s, id, filepath.Join(dir, id.String())
	}
	flip := func(t *testing.T, path string, at int) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := func(t *testing.T, s *Store, id ID) {
		t.Helper()
		slice, err := s.ReadSlice(id, GroupSize, GroupSize)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifySlice(id, int64(len(content)), GroupSize, GroupSize, slice); err != nil {
			t.Fatal(err)
		}
	}
	for name, damage := range map[string]func(t *testing.T, path string){
		"tree changed": func(t *testing.T, path string) { flip(t, path+treeSuffix, 5) },
		"tree cut":     func(t *testing.T, path string) { _ = os.Truncate(path+treeSuffix, 64) },
		"tree gone":    func(t *testing.T, path string) { _ = os.Remove(path + treeSuffix) },
	} {
		t.Run(name, func(t *testing.T) {
			s, id, path := setUp(t)
			damage(t, path)
			good(t, s, id)
			if info, err := os.Stat(path + treeSuffix); err != nil || info.Size() != treeSize(int64(len(content))) {
				t.Fatal("the tree was not made again")
			}
		})
	}
	for name, damage := range map[string]func(t *testing.T, path string){
		"content changed": func(t *testing.T, path string) { flip(t, path, GroupSize+1) },
		"content cut":     func(t *testing.T, path string) { _ = os.Truncate(path, GroupSize+1) },
		"all changed":     func(t *testing.T, path string) { flip(t, path, GroupSize+1); flip(t, path+treeSuffix, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s, id, path := setUp(t)
			damage(t, path)
			if _, err := s.ReadSlice(id, GroupSize, GroupSize); !errors.Is(err, ErrDamaged) {
				t.Fatalf("ReadSlice: %v", err)
			}
			if _, held := s.Has(id); held {
				t.Fatal("a damaged blob is held")
			}
			if err := scripts["receive"](s, content); err != nil { // fetched again
				t.Fatal(err)
			}
			good(t, s, id)
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Fatal("the file is not healed")
			}
		})
	}
	t.Run("content gone", func(t *testing.T) {
		s, id, path := setUp(t)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Get(id); !errors.Is(err, ErrNotFound) {
			t.Fatalf("Get: %v", err)
		}
		if err := scripts["add"](s, content); err != nil {
			t.Fatal(err)
		}
		good(t, s, id)
	})
}

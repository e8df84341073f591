package store

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/merograph/merograph/dag"
)

// files gives what a folder holds, by name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		st, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = st.ModTime().String() + string(b)
	}
	return out
}

func same(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s: %s is changed or gone", what, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s: %s is new", what, name)
		}
	}
}

// The mark is read, and nothing else happens: to a sound store, one of another version, and one that cannot be read.
func TestReadMarkChangesNothing(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "store")
	if m, lost, err := ReadMark(at); m != (dag.Mark{}) || lost != nil || err != nil {
		t.Errorf("there is none: %+v, %v, %v", m, lost, err)
	}
	h := open(t, dag.NewMemDisk(), on(t, dir))
	fill(t, h.KV, 40)
	want, err := h.store.Mark()
	if err != nil || want.End == 0 {
		t.Fatal(want, err)
	}
	h.close(t)
	if err := os.Remove(filepath.Join(at, "LOCK")); err != nil {
		t.Fatal(err)
	}
	before := files(t, at)
	if m, lost, err := ReadMark(at); m != want || lost != nil || err != nil {
		t.Errorf("%+v, %v, %v; want %+v", m, lost, err, want)
	}
	same(t, "sound", before, files(t, at))

	b, _, err := OpenPebble(vfs.Default, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Apply([]Change{{Key: formatKey, Value: []byte{formatVersion + 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	before = files(t, at)
	if m, lost, err := ReadMark(at); m != (dag.Mark{}) || lost == nil || err != nil {
		t.Errorf("of another version: %+v, %v, %v", m, lost, err)
	}
	same(t, "of another version", before, files(t, at))

	list, err := filepath.Glob(filepath.Join(at, "MANIFEST-*"))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	for _, name := range list {
		if err := os.WriteFile(name, bytes.Repeat([]byte{7}, 100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before = files(t, at)
	if m, lost, err := ReadMark(at); m != (dag.Mark{}) || lost == nil || err != nil {
		t.Errorf("unreadable: %+v, %v, %v", m, lost, err)
	}
	same(t, "unreadable", before, files(t, at))
	if err := os.RemoveAll(at); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, lost, err := ReadMark(at); err == nil {
		t.Errorf("a file where the folder should be: %+v, %v", m, lost)
	}
}

// After a power cut the mark is what the next start finds; before anything reached the disk there is none, and that is no fault.
func TestReadMarkAfterACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s, err := openSmall(disk)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, dag.NewMemDisk(), s)
	for _, step := range []int{0, 400} {
		fill(t, h.KV, step)
		cut := disk.CrashClone(vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(1, 2))})
		m, lost, err := readMark(cut, "store")
		if lost != nil || err != nil || (m == dag.Mark{}) != (step == 0) {
			t.Errorf("after %d writes: %+v, %v, %v", step, m, lost, err)
		}
		again, err := openSmall(cut)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := again.Mark(); err != nil || m != want {
			t.Errorf("%+v, and a start finds %+v, %v", m, want, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	h.close(t)
}

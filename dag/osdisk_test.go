package dag

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestOSDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home", "log")
	w := newWorld(1)
	alice := person("alice")
	j, rec := open(t, OSDisk(dir), w.options())
	if !rec.Clean {
		t.Errorf("%+v", rec)
	}
	if _, _, err := Open(OSDisk(dir), w.options()); !errors.Is(err, ErrInUse) {
		t.Errorf("a second journal: %v", err)
	}
	ctx := must(j.Found(alice, Grant{}))
	for range 12 {
		put(t, j, ctx, alice, string(make([]byte, 500<<10)))
	}
	closeJ(t, j)
	closeJ(t, j)
	j, rec = open(t, OSDisk(dir), w.options())
	if !rec.Clean || rec.Copied || rec.Records != 13 || len(all(t, j, ctx)) != 13 || j.Stats().Segments < 2 {
		t.Errorf("%+v, %+v", rec, j.Stats())
	}
	closeJ(t, j)
	st, err := os.Stat(filepath.Join(dir, segmentName(0)))
	if err != nil || st.Mode().Perm() != 0o600 || st.Size() != minSegment {
		t.Errorf("%v, %v", st, err)
	}

	// The home is copied, file by file.
	other := t.TempDir()
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	j, rec = open(t, OSDisk(other), w.options())
	if !rec.Copied || len(all(t, j, ctx)) != 13 {
		t.Errorf("%+v", rec)
	}
	if e := put(t, j, ctx, alice, "in the copy"); e.Delta.Seq != 0 {
		t.Error("the copy goes on with the chain")
	}
	closeJ(t, j)

	// The last segment is cut short by somebody: what was there is a torn tail or a clean end.
	name := filepath.Join(dir, segmentName(0))
	if err := os.Truncate(name, st.Size()-100); err != nil {
		t.Fatal(err)
	}
	j, _ = open(t, OSDisk(dir), w.options())
	put(t, j, ctx, alice, "on")
	closeJ(t, j)
}

func TestOSDiskWhereThereIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(OSDisk(filepath.Join(file, "log")), newWorld(1).options()); err == nil {
		t.Error("a journal opens below a file")
	}
}

// A folder that is only looked at stays as it is, without a lock of its own too; and nobody looks at one that is in use.
func TestOSDiskReadOnly(t *testing.T) {
	dir, w := t.TempDir(), newWorld(1)
	j, _ := open(t, OSDisk(dir), w.options())
	must(j.Found(person("alice"), Grant{}))
	if _, err := VerifyLog(OSDiskReadOnly(dir), Mark{}); !errors.Is(err, ErrInUse) {
		t.Errorf("a log in use: %v", err)
	}
	closeJ(t, j)
	copied := t.TempDir()
	name := segmentName(0)
	if err := os.WriteFile(filepath.Join(copied, name), must(os.ReadFile(filepath.Join(dir, name))), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, copied} {
		before := must(os.ReadDir(dir))
		touched := must(OSDisk(dir).Touched(name))
		if in, err := VerifyLog(OSDiskReadOnly(dir), Mark{}); err != nil || in.Records != 1 {
			t.Errorf("%+v, %v", in, err)
		}
		if now := must(OSDisk(dir).Touched(name)); len(must(os.ReadDir(dir))) != len(before) || now != touched {
			t.Errorf("it is changed")
		}
	}
	lock := must(OSDiskReadOnly(dir).Lock())
	if _, _, err := Open(OSDisk(dir), w.options()); !errors.Is(err, ErrInUse) {
		t.Errorf("a log that is looked at opens: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := Open(OSDiskReadOnly(dir), w.options()); err == nil {
		t.Error("a journal opens where nothing may be changed")
	}
}

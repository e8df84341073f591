package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/node"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"merod": main}) }

// The scripts are what a person types and sees; each merod in them is a process of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SWARM", "--swarm-addrs=/ip4/127.0.0.1/tcp/0")
			e.Setenv("API", "--api-addr=127.0.0.1:0")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"waitready":  func(ts *testscript.TestScript, _ bool, a []string) { awaitStatus(ts, a[0], isReady) },
			"waitmember": func(ts *testscript.TestScript, _ bool, a []string) { awaitStatus(ts, a[0], isMember) },
			"waitproblem": func(ts *testscript.TestScript, _ bool, a []string) {
				awaitStatus(ts, a[0], func(st node.Status) bool { return strings.Contains(strings.Join(st.Problems, "\n"), a[1]) })
			},
			"waitwell": func(ts *testscript.TestScript, _ bool, a []string) {
				awaitStatus(ts, a[0], func(st node.Status) bool { return len(st.Problems) == 0 })
			},
			"waitregistered": waitRegistered,
			"waitkey":        waitKey,
			"bootstrap":      bootstrap,
			"occupy":         occupy,
			"freeport":       freePort,
			"cmpvalue":       compareValues,
			"flip":           flip,
			"picture":        picture,
		},
	})
}

// exits STATUS COMMAND… runs a command and checks its exit status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got, exit := 0, (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// await asks again and again, for at most a minute, until ask returns nil.
func await(ts *testscript.TestScript, what string, ask func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("%s did not happen: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, home, method string, params, result any) error {
	c, err := api.Dial(home)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, method, params, result)
}

func isReady(st node.Status) bool  { return st.Ready }
func isMember(st node.Status) bool { return st.Ready && len(st.Contexts) == 1 && st.Contexts[0].Member }

// awaitStatus is waitready HOME and waitmember HOME.
func awaitStatus(ts *testscript.TestScript, home string, fits func(node.Status) bool) {
	await(ts, "the status", func(ctx context.Context) error {
		var st node.Status
		if err := ask(ctx, ts.MkAbs(home), "status", nil, &st); err != nil {
			return err
		}
		if !fits(st) {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
}

// waitRegistered is waitregistered HOME N: the coordinator of a home has so many peers in its registry.
func waitRegistered(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	await(ts, "the registration", func(ctx context.Context) error {
		var c node.Cohort
		if err := ask(ctx, ts.MkAbs(args[0]), "registry_list", nil, &c); err != nil {
			return err
		}
		if len(c.Peers) != want {
			return fmt.Errorf("%d of %d are registered", len(c.Peers), want)
		}
		return nil
	})
}

// flip FILE OFFSET turns a bit of a byte.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(name)
	ts.Check(err)
	b[at] ^= 4
	ts.Check(os.WriteFile(name, b, 0o600))
}

// picture FOLDER FILE writes to FILE what the folder holds: names, times, lengths and checksums.
func picture(ts *testscript.TestScript, _ bool, args []string) {
	dir, out := ts.MkAbs(args[0]), new(strings.Builder)
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, path, st.Mode(), st.Size(), st.ModTime().UnixNano())
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(out, "\t%x\n", sha256.Sum256(b))
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

// waitKey is waitkey HOME KEY VALUE.
func waitKey(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, "the key", func(ctx context.Context) error {
		var e api.Entry
		if err := ask(ctx, ts.MkAbs(args[0]), "store_get", api.Key(args[1]), &e); err != nil {
			return err
		}
		if value, err := e.Bytes(); err != nil || string(value) != args[2] {
			return fmt.Errorf("%q, %v", value, err)
		}
		return nil
	})
}

// bootstrap HOME VAR puts an address of a running node into the environment.
func bootstrap(ts *testscript.TestScript, _ bool, args []string) {
	var st node.Status
	ts.Check(ask(context.Background(), ts.MkAbs(args[0]), "status", nil, &st))
	if len(st.Transport.Listen) == 0 {
		ts.Fatalf("the node of %s listens nowhere: %v", args[0], st.Problems)
	}
	ts.Setenv(args[1], st.Transport.Listen[0])
}

// occupy VAR takes a TCP port of the loopback until the script ends, and puts its number into the environment.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// freePort VAR puts the number of a port that nobody uses into the environment.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// compareValues is cmpvalue A B.
func compareValues(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] != args[1] {
		ts.Fatalf("%s is not %s", args[0], args[1])
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{"/a/b-c": "/a/b-c", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'"} {
		if got := shell(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestTheBar(t *testing.T) {
	b := &bar{what: "adding", total: 4 << 20, seen: 1 << 20}
	if got, want := b.line(time.Second), "adding [#######.......................]  25 %  1.0 MiB of 4.0 MiB, 1.0 MiB/s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b.total = -1
	if got, want := b.line(2*time.Second), "adding 1.0 MiB, 512.0 KiB/s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	quiet := newBar(os.Stderr, "adding", 1)
	quiet.to = nil
	if _, err := quiet.Write([]byte("x")); err != nil || quiet.seen != 1 {
		t.Error(quiet, err)
	}
	quiet.done()
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{"plain": "plain", "a\nb": "a·b", "\x1b[2Jx": "·[2Jx", "\xff": "·", "0123456789x": "0123456789…"} {
		if got := clean(in, 10); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

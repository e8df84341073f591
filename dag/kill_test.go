package dag

import (
	"bufio"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// killDir is the environment's word to the test binary that it is to write until it is killed.
const killDir = "DAG_KILL_DIR"

// TestRule3_1_Kill9 kills a process that writes from eight goroutines, at a random moment, again and again, and looks for
// what it had acknowledged. DAG_KILLS sets how often (3); testdata/kill9.sh does it a thousand times.
func TestRule3_1_Kill9(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("DAG_KILLS")); err == nil {
		rounds = n
	}
	var dir string
	acked, torn, total := map[ID]bool{}, 0, 0
	for round := range rounds {
		if round%40 == 0 { // a new home
			dir, acked = t.TempDir(), map[ID]bool{}
		}
		for _, id := range killed(t, dir) {
			acked[id] = true
			total++
		}
		j, rec := open(t, OSDisk(dir), killOptions())
		if len(rec.Damage) > 0 || rec.Clean && rec.Records > 0 {
			t.Fatalf("round %d: %+v", round, rec)
		}
		if rec.Cut {
			torn++
		}
		for id := range acked {
			e, ok, err := j.Get(id)
			if err != nil || !ok || HashID(e.Raw) != id {
				t.Fatalf("round %d: %v was acknowledged and is gone: %v, %+v", round, id, err, rec)
			}
		}
		closeJ(t, j)
	}
	t.Logf("%d kills, %d acknowledged writes, %d torn tails", rounds, total, torn)
}

func killOptions() Options {
	return Options{Wall: time.Now, Rand: rand.Reader, SegmentBytes: minSegment}
}

// killed starts a process that writes into a home, kills it, and gives what it said that it had acknowledged.
func killed(t *testing.T, dir string) (acked []ID) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	after := mathrand.IntN(400) // lines
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, whole := strings.CutSuffix(lines.Text(), ".")
		if !whole {
			continue // the last line, cut short
		}
		id, err := ParseID(word)
		if err != nil {
			t.Fatalf("the writer says %q", lines.Text())
		}
		acked = append(acked, id)
		if len(acked) == after+1 {
			cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return acked
}

// load writes to a home and prints what is acknowledged, until somebody kills it.
func load(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	j, _, err := Open(OSDisk(dir), killOptions())
	if err != nil {
		fail(err)
	}
	alice := person("alice")
	var ctx ID
	if known := j.Contexts(); len(known) > 0 {
		ctx = known[0]
	}
	if ctx.IsZero() {
		if ctx, err = j.Found(alice, Grant{}); err != nil {
			fail(err)
		}
	}
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				p, err := j.Write(ctx, alice, Edit{Kind: KindData, Payload: make([]byte, n*k%5000)})
				if err != nil {
					fail(err)
				}
				e, err := p.Wait()
				if err != nil {
					fail(err)
				}
				if _, err := fmt.Fprintln(os.Stdout, e.ID.String()+"."); err != nil {
					fail(err)
				}
			}
		})
	}
	wg.Wait()
}

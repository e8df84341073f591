package sim

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// tape is a disk of tests: a number that is synced, one that is only written, and what befell it.
type tape struct {
	synced, written int
	down            func() bool
	log             *testLog
	full, failing   bool
}

type testLog struct {
	t     *testing.T
	acts  map[string]int
	kept  int // of what was not synced
	lost  int
	upAct []string // what was called in the wrong state
}

func (d *tape) act(name string, down bool) {
	if d.log.acts[name]++; d.down() != down {
		d.log.upAct = append(d.log.upAct, name)
	}
}

func (d *tape) Crash(draw func() uint64) {
	d.act("crash", true)
	for ; d.synced < d.written; d.written-- {
		if draw() == 0 {
			d.log.lost++
		} else {
			d.log.kept++
		}
	}
	d.failing = false
}
func (d *tape) Kill()          { d.act("kill", true); d.failing = false }
func (d *tape) Stop()          { d.act("stop", false); d.synced = d.written }
func (d *tape) FailSync(n int) { d.act("fail", d.down()); d.failing = n > 0 }
func (d *tape) Full(full bool) { d.act("full", d.down()); d.full = full }
func (d *tape) Rot(uint64)     { d.act("rot", true) }
func (d *tape) Copy() any      { d.act("copy", d.down()); return d.written }
func (d *tape) Put(copied any, as Putting) {
	d.act([]string{"put files", "put image", "put clone"}[as], true)
	d.synced, d.written = copied.(int), copied.(int)
}

func tapeScenario(log *testLog) Scenario {
	s := pingScenario(time.Second)
	bind, script := s.Bind, s.Script
	tapes := map[*Node]*tape{}
	s.Bind = func(n *Node) []graph.Option {
		if tapes[n] == nil {
			tapes[n] = &tape{down: func() bool { return !n.Up() }, log: log}
		}
		if bind == nil {
			return nil
		}
		return bind(n)
	}
	s.Disk = func(n *Node) Disk { return tapes[n] }
	s.Script = func(w *World) {
		script(w)
		w.Every(time.Second, 0, func(n *Node) {
			if tapes[n].written += 3; n.RandN("sync", 2) == 0 {
				tapes[n].synced = tapes[n].written
			}
			if tapes[n].failing && n.RandN("quit", 4) == 0 {
				n.Quit()
			}
			if w.Healed() && (tapes[n].full || tapes[n].failing || n.slowUntil > w.now) {
				log.t.Errorf("the disk of %s is not sound after the healing: %+v", n.ID(), tapes[n])
			}
		})
	}
	return s
}

func TestDiskFaults(t *testing.T) {
	log := &testLog{t: t, acts: map[string]int{}}
	for seed := range uint64(6) {
		r := run(t, tapeScenario(log), Options{Nodes: 6, Seed: seed, Time: 20 * time.Minute, Faults: DiskFault | Backup | Clone | Churn})
		if r.Faults["diskFaults"] == 0 || r.Faults["restoredBackups"] == 0 || r.Faults["clonedHomes"] == 0 {
			t.Errorf("seed %d: %v", seed, r.Faults)
		}
	}
	for _, want := range []string{"crash", "kill", "stop", "fail", "full", "rot", "copy", "put files", "put image", "put clone"} {
		if log.acts[want] == 0 {
			t.Errorf("no disk was told to %s: %v", want, slices.Sorted(maps.Keys(log.acts)))
		}
	}
	if log.kept == 0 || log.lost == 0 || len(log.upAct) > 0 {
		t.Errorf("kept %d and lost %d of what was not synced; in the wrong state: %v", log.kept, log.lost, log.upAct)
	}
}

// Without the kind disk a crash loses what was not synced, and nothing else befalls a disk.
func TestCrashLosesWhatIsNotSynced(t *testing.T) {
	log := &testLog{t: t, acts: map[string]int{}}
	run(t, tapeScenario(log), Options{Nodes: 6, Seed: 2, Time: 10 * time.Minute, Faults: Churn})
	if log.kept > 0 || log.lost == 0 || len(log.acts) != 1 || log.acts["crash"] == 0 {
		t.Errorf("kept %d, lost %d, %v", log.kept, log.lost, log.acts)
	}
}

// A fault of a disk is written down with a choice that brings it back, and no other comes with it.
func TestDiskFaultIsShrunk(t *testing.T) {
	log := &testLog{t: t, acts: map[string]int{}}
	s := tapeScenario(log)
	s.Properties = []Property{{Name: "nothing is put back", Kind: Safety, Check: func(w *World) error {
		if w.happened[putBack] > 0 {
			return errors.New("one is")
		}
		return nil
	}}}
	story, err := Explain(s, Options{Nodes: 6, Seed: 1, Time: 12 * time.Minute, Faults: DiskFault | Backup | Churn | Partition}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range story.Faults {
		if c, _, err := ParseOverride(f.Override); err != nil || c.Site != "backup" {
			t.Errorf("%s (%v)", f.Override, err)
		}
	}
	if len(story.Faults) != 1 {
		t.Errorf("%d faults are left", len(story.Faults))
	}
}

func TestDiskFaultsAreOfferedByScenariosWithDisks(t *testing.T) {
	s := pingScenario(time.Second)
	if s.Offers()&(DiskFault|Backup|Clone) != 0 {
		t.Error("a scenario without disks offers their faults")
	}
	if _, err := Run(s, Options{Faults: Backup}); err == nil {
		t.Error("a fault that the scenario has not is taken")
	}
}

package dag

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// stage is the world of a transcript: nodes with a disk each, one context, and deltas named by their payload.
type stage struct {
	t     *testing.T
	w     *world
	disks map[string]*MemDisk
	nodes map[string]*Journal
	ctx   ID
	names map[ID]string
}

// TestTranscripts runs testdata/transcripts; -rewrite writes what happened.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := &stage{t: t, w: newWorld(1), disks: map[string]*MemDisk{}, nodes: map[string]*Journal{}, names: map[ID]string{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := s.run(d)
			if err != nil {
				out += "error: " + err.Error() + "\n"
			}
			return out
		})
	})
}

func (s *stage) run(d *datadriven.TestData) (string, error) {
	name := d.CmdArgs[0].Key
	j := s.nodes[name]
	arg := func(key string) string {
		for _, a := range d.CmdArgs {
			if a.Key == key && len(a.Vals) == 1 {
				return a.Vals[0]
			}
		}
		return ""
	}
	switch d.Cmd {
	case "found":
		s.disks[name] = NewMemDisk()
		s.nodes[name], _ = open(s.t, s.disks[name], s.w.options())
		var g Grant
		for p := range strings.SplitSeq(arg("grant"), "+") {
			g.Keys = append(g.Keys, person(p).Public())
		}
		var err error
		s.ctx, err = s.nodes[name].Found(person(arg("as")), g)
		s.names[s.ctx] = "genesis"
		return "", err
	case "join":
		s.disks[name] = NewMemDisk()
		s.nodes[name], _ = open(s.t, s.disks[name], s.w.options())
		return "", s.nodes[name].Join(s.ctx)
	case "write":
		return s.write(j, person(arg("as")), arg("wait") != "no", strings.Fields(d.Input))
	case "pull":
		page, _, err := s.nodes[arg("from")].Serve(s.ctx, j.Have(s.ctx), MaxPage)
		if err != nil || page == nil {
			return "nothing\n", err
		}
		got, err := j.Ingest(s.ctx, page)
		return fmt.Sprintf("admitted %s, duplicate %d, waiting %d, refused %v\n", s.list(got.NewIDs), got.Duplicate, got.Waiting, got.Refused), err
	case "crash", "restart":
		if d.Cmd == "crash" {
			s.disks[name].Crash()
		} else if err := j.Close(); err != nil {
			return "", err
		}
		var rec Recovery
		s.nodes[name], rec = open(s.t, s.disks[name], s.w.options())
		return fmt.Sprintf("%+v\n", rec), nil
	case "backup":
		if arg("at") == "rest" {
			if err := j.Close(); err != nil {
				return "", err
			}
		}
		s.disks[arg("to")] = s.disks[name].Backup()
		if arg("at") == "rest" {
			s.nodes[name], _ = open(s.t, s.disks[name], s.w.options())
		}
		s.disks[arg("to")].Crash()
		s.nodes[arg("to")], _ = open(s.t, s.disks[arg("to")], s.w.options())
		return "", nil
	case "show":
		return s.show(j), nil
	default:
		return "", fmt.Errorf("unknown command %s", d.Cmd)
	}
}

func (s *stage) write(j *Journal, as Signer, wait bool, texts []string) (string, error) {
	var out strings.Builder
	for _, text := range texts {
		p, err := j.Write(s.ctx, as, Edit{Kind: KindData, Payload: []byte(text)})
		if err != nil {
			return out.String(), err
		}
		e := p.Entry()
		s.names[e.ID] = text
		if wait {
			if _, err := p.Wait(); err != nil {
				return out.String(), err
			}
		}
		fmt.Fprintf(&out, "%s: seq %d of %s, parents %s\n", text, e.Delta.Seq, s.names[e.Delta.ChainOf(e.ID)], s.list(e.Delta.Parents))
	}
	return out.String(), nil
}

func (s *stage) list(ids []ID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = s.names[id]
	}
	slices.Sort(names)
	return "[" + strings.Join(names, " ") + "]"
}

func (s *stage) show(j *Journal) string {
	var out strings.Builder
	c := j.Stats().Contexts[0]
	fmt.Fprintf(&out, "deltas %d, chains %d, forks %d, heads %s\n", c.Deltas, c.Chains, c.Forks, s.list(j.Heads(s.ctx)))
	lines := map[string]bool{}
	for _, t := range j.Tips(s.ctx) {
		lines[fmt.Sprintf("tip %s, seq %d of %s", s.names[t.ID], t.Seq, s.names[t.Chain])] = true
	}
	for _, l := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintln(&out, l)
	}
	return out.String()
}

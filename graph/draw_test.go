package graph

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// member is a row of the drawn protocol's table.
type member struct {
	Peer  Peer
	Names []string
}

func (m member) key() Peer { return m.Peer }

type lease struct{ Next Time }

// clubGraph is a protocol with one of everything, to be drawn and driven: members register with a club, keep their lease,
// tell each other news, and may leave a note.
func clubGraph() *Graph {
	g := New("club", 2)
	guest, club := g.Role("guest"), g.Role("club")

	to := Param[Peer](guest, "club_peer")
	names := Param[[]string](guest, "names")
	kept := Row[lease](guest, "lease")
	kept.Expose()
	banned := Param[map[Peer]bool](club, "banned")
	members := Table(club, "members", member.key, Capacity(4), Quota(2), EvictOldest())
	members.Expose()
	notes := Component[disk](club, "notes")

	due := Timer(guest, "due", kept.Cell(), false, func(_ *Tick, l lease) (Time, bool) { return l.Next, true })
	allowed := Allow("whoever is not banned", banned, func(from Peer, banned map[Peer]bool) bool { return !banned[from] })
	in, answer := Call(clubOps.hello(due, names), to, club,
		Exchange[[]string, time.Duration]("register", MaxRequest(4<<10), MaxReply(64), Rate(2, 10)), 5*time.Second, allowed)
	Reply(in, clubOps.register(in, members, Const(club, time.Minute)))
	clubOps.keep(answer, kept)
	clubOps.later(answer.Failed(), kept)

	here, gone := clubOps.present(members.Changes())
	heard, _ := Publish(here, guest, Topic[Peer]("news", MaxRequest(128)), Anyone)
	clubOps.heard(heard)
	clubOps.bye(gone, members.View())

	note := Ask[int, int](guest, "note")
	got, _ := Send(valueOf(note), to, club, OneWay[int]("note", MaxRequest(9)), allowed)
	Reply(note, Const(guest, 1))
	wrote := Work(received(got), notes, "write", disk.Write, 10*time.Second)
	clubOps.wrote(Merge(wrote, clubOps.sorry(wrote.Failed())))
	clubOps.shrug(club.Failures())
	return g
}

// clubOps are the ops of the drawn protocol.
var clubOps = struct {
	hello    func(In[Time], In[[]string]) Wire[[]string]
	register func(In[*Request[[]string, time.Duration]], In[*Rows[Peer, member]], In[time.Duration]) Wire[time.Duration]
	keep     func(In[time.Duration], In[*One[lease]]) Wire[Done]
	later    func(In[Failure], In[*One[lease]]) Wire[Done]
	present  func(In[Change[member]]) (Wire[Peer], Wire[Peer])
	heard    func(In[*Received[Peer]]) Wire[Done]
	bye      func(In[Peer], In[View[Peer, member]]) Wire[Done]
	sorry    func(In[Failure]) Wire[int]
	wrote    func(In[int]) Wire[Done]
	shrug    func(In[Failure]) Wire[Done]
}{
	hello: Op2(clubSet, "hello", 1, func(_ *Tick, _ Time, names []string) ([]string, error) { return names, nil }),
	register: Op3(clubSet, "register", 1, func(_ *Tick, r *Request[[]string, time.Duration], t *Rows[Peer, member], ttl time.Duration) (time.Duration, error) {
		if len(r.Value) == 0 {
			return 0, Fail(Denied, "who are you?")
		}
		return ttl / 2, t.Put(member{r.From, r.Value}, ttl)
	}),
	keep: Op2(clubSet, "keep", 1, func(x *Tick, d time.Duration, row *One[lease]) (Done, error) {
		return Done{}, row.Set(lease{x.Now().Add(d)})
	}),
	later: Op2(clubSet, "later", 1, func(x *Tick, f Failure, row *One[lease]) (Done, error) {
		return Done{}, row.Set(lease{x.Now().Add(max(f.RetryAfter, 10*time.Second))})
	}),
	present: Branch(clubSet, "present", 1, func(_ *Tick, c Change[member]) (Peer, bool, error) {
		return max(c.Old.Peer, c.New.Peer), c.New.Peer != "", nil
	}),
	heard: Op1(clubSet, "heard", 1, func(*Tick, *Received[Peer]) (Done, error) { return Done{}, nil }),
	bye:   Op2(clubSet, "bye", 1, func(*Tick, Peer, View[Peer, member]) (Done, error) { return Done{}, nil }),
	sorry: Op1(clubSet, "sorry", 1, func(*Tick, Failure) (int, error) { return 0, nil }),
	wrote: Op1(clubSet, "wrote", 1, func(*Tick, int) (Done, error) { return Done{}, nil }),
	shrug: Op1(clubSet, "shrug", 1, func(*Tick, Failure) (Done, error) { return Done{}, nil }),
}

var clubSet = NewOpset("club")

func TestDrawings(t *testing.T) {
	for _, g := range []*Graph{echoGraph(), clubGraph(), lab()} {
		golden(t, g.Name()+".text.golden", g.Text(""))
		golden(t, g.Name()+".mermaid.golden", g.Mermaid(""))
		golden(t, g.Name()+".dot.golden", g.DOT(""))
		b, err := json.MarshalIndent(g.Describe(""), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, g.Name()+".json.golden", string(b)+"\n")
	}
	g := clubGraph()
	golden(t, "club.guest.text.golden", g.Text("guest"))
	golden(t, "club.guest.mermaid.golden", g.Mermaid("guest"))
	want(t, "no such role", g.Text("nobody"), "club 2\n")
}

// The lines that our Mermaid may be made of. A label is quoted and holds no quote, no markup and no line end.
var mermaidLine = regexp.MustCompile(`^(flowchart TB|  %% [^\n]*|  subgraph r\d+\["` + label + `"\]|  end|    ` + node_ + `|  o\d+\(\("` + label + `"\)\)|  ` + edge + `)$`)

const (
	label = "(?:[^\"<>&`;\\\\]|#\\w+;)+"
	id    = `(?:[so]\d+|r\d+[ptc]\d+)`
	node_ = `(?:s\d+(?:\["` + label + `"\]|\(\["` + label + `"\]\)|>"` + label + `"\]|\[\["` + label + `"\]\])|r\d+p\d+\[/"` + label + `"/\]|r\d+t\d+\[\("` + label + `"\)\]|r\d+c\d+\{\{"` + label + `"\}\})`
	edge  = id + ` (?:-->|<-->|---|-->\|otherwise\||-\.->\|failed\||==>\|"` + label + `"\|) ` + id
)

func TestMermaidIsValid(t *testing.T) {
	odd := New("odd \"name\"\nend", 1)
	r := odd.Role(`r"];<b>&`)
	in, v := askOf(r, "end`x`#1")
	Reply(in, v)
	for _, g := range []*Graph{echoGraph(), clubGraph(), odd, newFaulty().g} {
		for _, role := range append(g.Roles(), "") {
			declared, open := map[string]bool{}, 0
			for line := range strings.Lines(g.Mermaid(role)) {
				line = strings.TrimSuffix(line, "\n")
				if !mermaidLine.MatchString(line) {
					t.Errorf("%s %s: %q", g.Name(), role, line)
				}
				fields := strings.Fields(line)
				switch {
				case fields[0] == "subgraph":
					open++
				case fields[0] == "end":
					open--
				case regexp.MustCompile(`^  ` + edge + `$`).MatchString(line):
					for _, end := range []string{fields[0], fields[len(fields)-1]} {
						if !declared[end] {
							t.Errorf("%s %s: %q comes from or goes to what is not drawn", g.Name(), role, line)
						}
					}
				default:
					declared[regexp.MustCompile(`^\w*`).FindString(fields[0])] = true
				}
			}
			want(t, "open boxes", open, 0)
		}
	}
}

// TestDescribeFaulty draws graphs that do not compile: it is then that one looks at them.
func TestDescribeFaulty(t *testing.T) {
	for _, c := range faults {
		f := newFaulty()
		c.add(f)
		if !strings.Contains(f.g.Text(""), "role a") || f.g.Mermaid("") == "" {
			t.Error(c.name)
		}
		if _, err := json.Marshal(f.g.Describe("a")); err != nil {
			t.Error(c.name, err)
		}
	}
}

func TestDescribeRole(t *testing.T) {
	d := clubGraph().Describe("guest")
	want(t, "roles and channels", fmt.Sprint(len(d.Roles), len(d.Channels)), "1 3")
}

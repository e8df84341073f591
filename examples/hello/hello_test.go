package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// page is docs/first-protocol.md: the code blocks by the file that they are of, in order, and all others by their language.
func page(t *testing.T) (files map[string]string, others map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/first-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	files, others = map[string]string{}, map[string][]string{}
	for _, m := range regexp.MustCompile("(?ms)^```(\\S+)(?: (\\S+))?\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if m[1] == "go" {
			if files[m[2]] != "" { // a blank line is between two blocks
				files[m[2]] += "\n"
			}
			files[m[2]] += m[3]
		} else {
			others[m[1]] = append(others[m[1]], m[3])
		}
	}
	return files, others
}

// The code on the page is the code of this folder, all of it.
func TestPageShowsTheFiles(t *testing.T) {
	files, _ := page(t)
	for _, name := range []string{"hello.go", "scenario.go", "net.go", "main.go"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := files[name]; got != string(data) {
			t.Errorf("the blocks of %s on the page are not the file:\n%s", name, firstDifference(got, string(data)))
		}
		delete(files, name)
	}
	for name := range files {
		t.Errorf("the page has a block of %q, which is no file here", name)
	}
}

func firstDifference(page, file string) string {
	a, b := strings.Split(page, "\n"), strings.Split(file, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "page: " + a[i] + "\nfile: " + b[i]
		}
	}
	return "one of them ends earlier"
}

// shows demands that the page holds what somebody sees who does what it says.
func shows(t *testing.T, seen string) {
	t.Helper()
	_, others := page(t)
	if slices.Contains(others["text"], seen) {
		return
	}
	t.Errorf("the page does not show what is seen:\n%s", seen)
}

func TestPageShowsTheRuns(t *testing.T) {
	var out strings.Builder
	if err := run(&out, []string{"sim"}); err != nil {
		t.Fatal(err)
	}
	shows(t, out.String())
	out.Reset()
	if err := run(&out, []string{"net"}); err != nil {
		t.Fatal(err)
	}
	shows(t, out.String())
	shows(t, Protocol().Text("guest"))
}

// The mistakes that the page makes on purpose are made here; those are the lines that it changes.
func TestPageShowsTheMistakes(t *testing.T) {
	_, others := page(t)
	protocol, err := os.ReadFile("hello.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, diff := range others["diff"] {
		for line := range strings.Lines(diff) {
			if was, ok := strings.CutPrefix(line, "-"); ok && !strings.Contains(string(protocol), was) {
				t.Errorf("the page changes a line that is not there: %s", was)
			}
		}
	}

	for _, incomplete := range []bool{true, false} {
		s := scenario
		s.Graph = func() *graph.Graph { return mistaken(incomplete) }
		err := simulate(&strings.Builder{}, s, 0)
		if err == nil {
			t.Fatal("nothing is wrong")
		}
		shows(t, err.Error()+"\n")
	}
}

// mistaken is Protocol with the mistakes of the page: no answer and no capacity; or hello said once.
func mistaken(incomplete bool) *graph.Graph {
	g := graph.New("hello", 1)
	guest, desk := g.Role("guest"), g.Role("desk")

	name := graph.Param[string](guest, "name")
	where := graph.Param[graph.Peer](guest, "desk")
	room := graph.Row[Welcome](guest, "room")
	bound := []graph.TableOption{graph.Capacity(100)}
	if incomplete {
		bound = nil
	}
	people := graph.Table(desk, "people", Guest.Key, bound...)
	people.Expose()

	var now graph.Wire[graph.Time]
	if incomplete {
		now = ops.Every(guest, time.Second, 200*time.Millisecond)
	} else {
		now = ops.Changed(guest, name)
	}
	said, answer := graph.Call(Say(now, name), where, desk, hello, 3*time.Second, graph.Anyone)
	if incomplete {
		Write(said, people)
	} else {
		graph.Reply(said, Read(Write(said, people), people))
	}
	ops.Set(answer, room)
	ops.Clear(answer.Failed(), room)

	who := graph.Ask[string, []string](guest, "who")
	graph.Reply(who, Tell(who, room.Cell()))
	return g
}

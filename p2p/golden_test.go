package p2p

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// vector is a line of a golden file: a name and bytes in hex, with spaces as one likes.
type vector struct {
	name  string
	bytes []byte
}

func vectors(t *testing.T, file string) (all []vector) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		raw, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
		all = append(all, vector{name, raw})
	}
	return all
}

// goldens are the frames of testdata/frames.golden, in its order.
var goldens = []struct {
	name string
	f    frame
}{
	{"hello", frame{kind: helloMsg, version: 1, fingerprint: 0x0123456789abcdef, role: "client", incarnation: 7}},
	{"hello, greatest numbers, no role", frame{kind: helloMsg, version: 1, fingerprint: math.MaxUint64, incarnation: math.MaxUint64}},
	{"request", frame{kind: graph.RequestMsg, call: 1, remaining: 5 * time.Second, payload: []byte("\x65hello")}},
	{"request with key and once", frame{kind: graph.RequestMsg, call: 23, key: "ctx", once: 24, remaining: time.Microsecond, payload: []byte{0xf6}}},
	{"request without deadline, longest key", frame{kind: graph.RequestMsg, call: 1 << 32, key: strings.Repeat("k", maxKey), payload: []byte{0xa0}}},
	{"reply", frame{kind: graph.ReplyMsg, call: 1, payload: []byte("\x65HELLO")}},
	{"reply of 300 bytes", frame{kind: graph.ReplyMsg, call: 255, payload: append([]byte{0x59, 0x01, 0x29}, bytes.Repeat([]byte{7}, 297)...)}},
	{"error busy", frame{kind: graph.ErrorMsg, call: 2, reason: graph.Busy, retry: time.Second, detail: "the inbox is full"}},
	{"error of the stream", frame{kind: graph.ErrorMsg, reason: graph.Mismatch, detail: "é"}},
	{"one-way", frame{kind: graph.OneWayMsg, payload: []byte("\x62hi")}},
	{"one-way with key", frame{kind: graph.OneWayMsg, key: "ctx", payload: []byte("\x62hi")}},
	{"publication", frame{kind: graph.TopicMsg, fingerprint: 0x0123456789abcdef, incarnation: 1 << 40, sequence: 256, payload: []byte("\x62hi")}},
	{"cancel", frame{kind: graph.CancelMsg, call: 65536}},
}

// The frames of the golden file, each with its length, are what the code writes and reads.
func TestGoldenFrames(t *testing.T) {
	lines := vectors(t, "testdata/frames.golden")
	if len(lines) != len(goldens) {
		t.Errorf("the file has %d frames, want %d", len(lines), len(goldens))
	}
	for i, g := range goldens {
		written := appendSized(nil, &g.f)
		if i >= len(lines) || lines[i].name != g.name || !bytes.Equal(lines[i].bytes, written) {
			t.Errorf("the code writes\n%s: %x", g.name, written)
			continue
		}
		got, err := newReader(still{bytes.NewReader(lines[i].bytes)}, 1<<20, nil).next()
		if g.f.payload == nil {
			got.payload = nil
		}
		if err != nil || !reflect.DeepEqual(got, g.f) {
			t.Errorf("%s reads as %+v, %v", g.name, got, err)
		}
	}
}

// Each line of the golden file of what is refused is refused, and for a reason.
func TestGoldenRefused(t *testing.T) {
	lines := vectors(t, "testdata/refused.golden")
	if len(lines) < 20 {
		t.Errorf("only %d vectors", len(lines))
	}
	for _, v := range lines {
		f, err := newReader(still{bytes.NewReader(v.bytes)}, 2<<10, nil).next()
		if _, ok := err.(*badStream); !ok {
			t.Errorf("%s reads as %+v, %v", v.name, f, err)
		}
	}
}

// The conversation of docs/formats/frames.md, played by a stranger that knows only that page.
func TestConversationOfThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/frames.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```\n")
	block, _, _ := strings.Cut(rest, "```")
	sum := sha256.Sum256([]byte("exchange echo client>server string / string"))
	if digits := hex.EncodeToString(sum[:8]); !strings.Contains(string(page), "0x"+digits) || !strings.Contains(block, digits) {
		t.Errorf("the fingerprint of the page is %s", digits)
	}
	h := testHost(t)
	server(t, h, newEars())
	if got := helloOf(t, h, echoID).fingerprint; got != binary.BigEndian.Uint64(sum[:8]) {
		t.Errorf("the channel's fingerprint is %016x", got)
	}
	st, err := stranger(t, h).NewStream(t.Context(), h.id, echoID)
	if err != nil {
		t.Fatal(err)
	}
	st.SetDeadline(time.Now().Add(20 * time.Second))
	r := newReader(plain{st}, 1<<10, nil)
	for line := range strings.Lines(block) {
		digits := strings.ReplaceAll(strings.TrimSpace(line[1:]), " ", "")
		if line[0] == '>' {
			b, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			write(t, st, b)
			continue
		}
		f, err := r.next()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got := hex.EncodeToString(appendSized(nil, &f))
		for i := 0; i < len(digits) && i < len(got); i += 2 {
			if want := digits[i : i+2]; want == ".." {
				if i > 0 { // the rest is a sentence
					break
				}
			} else if want != got[i:i+2] {
				t.Errorf("%q: got %s", line, got)
				break
			}
		}
	}
}

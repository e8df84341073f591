package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/node"
)

func (w *world) put(key, value string) {
	w.t.Helper()
	if _, err := w.state.Put(key, []byte(value)); err != nil {
		w.t.Fatal(err)
	}
}

func TestWatchStreamsChanges(t *testing.T) {
	w := start(t, nil)
	w.put("a/1", "was")
	w.put("\xff", "elsewhere")
	var got []string
	err := w.client.Watch(t.Context(), "a/", true, func(c Change) error {
		value := "none"
		if c.Value != nil {
			value = *c.Value
		} else if c.ValueBase64 != nil {
			value = *c.ValueBase64
		}
		got = append(got, fmt.Sprintf("%s %s %s", c.Status, c.Key, value))
		if c.Version.IsZero() || c.Timestamp == "" {
			t.Errorf("%+v", c)
		}
		switch len(got) {
		case 1:
			w.put("b", "elsewhere")
			w.put("a/2", "\xff")
		case 2:
			if _, err := w.state.Remove("a/1"); err != nil {
				t.Error(err)
			}
		case 3:
			return errors.New("enough")
		}
		return nil
	})
	if want := "present a/1 was; created a/2 /w==; deleted a/1 none"; strings.Join(got, "; ") != want || err == nil || err.Error() != "enough" {
		t.Errorf("%s, %v; want %s", strings.Join(got, "; "), err, want)
	}
	keys := 0
	err = w.client.Watch(t.Context(), "\xff", true, func(c Change) error {
		if keys++; c.KeyBytes() != "\xff" {
			t.Errorf("%q", c.KeyBytes())
		}
		return errors.New("enough")
	})
	if keys != 1 {
		t.Errorf("%d keys, %v", keys, err)
	}
}

// A watch ends when the watcher goes, and when the node stops.
func TestWatchEnds(t *testing.T) {
	w := start(t, nil)
	w.put("k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	err := w.client.Watch(ctx, "", true, func(Change) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	stopped := make(chan error, 1)
	err = w.client.Watch(t.Context(), "", true, func(Change) error {
		go func() { stopped <- w.stop() }()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "stops") {
		t.Errorf("stopped: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestWatchRefusesWhatItDoesNotKnow(t *testing.T) {
	w := start(t, nil)
	for path, want := range map[string]string{"?prefx=a": "there is no parameter", "?present=maybe": "true or false", "?prefixBase64=!": "no base64"} {
		if status, text, _ := w.send(http.MethodGet, "/admin-api/store/watch"+path, ""); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, _, _ := w.send(http.MethodGet, "/admin-api/store/watch", "", func(r *http.Request) { r.Header.Del("Authorization") }); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
}

// raw begins a watch and gives its lines as they come.
func (w *world) raw() *bufio.Reader {
	w.t.Helper()
	token, err := os.ReadFile(node.TokenFile(w.home))
	if err != nil {
		w.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.client.URL()+"/admin-api/store/watch", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := w.client.http.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { res.Body.Close() })
	return bufio.NewReader(res.Body)
}

// The first line of a watch is empty, and says that it has begun; the last says that the node stops.
func TestFirstAndLastLineOfAWatch(t *testing.T) {
	w := start(t, nil)
	lines := w.raw()
	if line, err := lines.ReadString('\n'); line != "\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	w.put("k", "v")
	if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, `{"key":"k","value":"v","version":"baf`) || !strings.HasSuffix(line, `,"status":"created"}`+"\n") || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(lines)
	if want := `{"error":{"code":-32007,"message":"the node ended this: it stops","data":{"type":"NotReady","data":null}}}` + "\n"; string(rest) != want || err != nil {
		t.Errorf("the last line is %q, %v; want %q", rest, err, want)
	}
}

// spoiled is a watcher whose store cannot be read, or whose changes are at an end.
type spoiled struct{ present, next error }

func (s spoiled) Present() iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if s.present != nil {
			yield(store.Entry{}, s.present)
		}
	}
}

func (s spoiled) Next(context.Context) ([]store.Event, error) { return nil, s.next }

// The last line says whatever ended the watch, but to a watcher that went away.
func TestLastLineSaysWhy(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	stops, stop := context.WithCancelCause(t.Context())
	stop(errStops)
	broken := errors.New("the table is torn")
	for name, c := range map[string]struct {
		ctx  context.Context
		w    spoiled
		want string
	}{
		"the present cannot be read": {t.Context(), spoiled{present: broken}, "the table is torn"},
		"a change cannot be read":    {t.Context(), spoiled{next: broken}, "the table is torn"},
		"it fell behind":             {t.Context(), spoiled{next: store.ErrBehind}, "fell behind"},
		"the store is closed":        {t.Context(), spoiled{next: store.ErrClosed}, "it stops"},
		"the node stops":             {stops, spoiled{next: context.Canceled}, "it stops"},
		"it went away":               {gone, spoiled{next: context.Canceled}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			l := &lines{w: w, control: http.NewResponseController(w)}
			l.all(c.ctx, c.w)
			if got := strings.TrimSpace(w.Body.String()); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("the last line is %q, want %q", got, c.want)
			}
		})
	}
}

// A client says that the node stops when the node has said so, and else that the connection broke.
func TestBrokenWatchIsNoStop(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\n{\"key\":") }))
	defer s.Close()
	c := &Client{url: s.URL, http: s.Client()}
	err := c.Watch(t.Context(), "", false, func(Change) error { return nil })
	if err == nil || strings.Contains(err.Error(), "stops") || !strings.Contains(err.Error(), "the connection to the node broke") {
		t.Errorf("%v", err)
	}
}

func TestListInPagesAndContains(t *testing.T) {
	w := start(t, nil)
	for _, k := range []string{"a", "b", "c", "\xff"} {
		w.put(k, k)
	}
	for body, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"limit":2}}`:             `"more":true`,
		`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"after":"b","limit":2}}`: `{"entries":[{"key":"c",`,
		`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"afterBase64":"/w=="}}`:  `{"entries":[]}`,
		`{"jsonrpc":"2.0","id":1,"method":"store_contains","params":{"key":"a"}}`:         `{"key":"a","contains":true}`,
		`{"jsonrpc":"2.0","id":1,"method":"store_contains","params":{"key":"x"}}`:         `{"key":"x","contains":false}`,
		`{"jsonrpc":"2.0","id":1,"method":"store_contains","params":{"key":""}}`:          `a key of 0 bytes`,
	} {
		if got := w.rpc(body); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := w.rpc(`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"after":"b","limit":2}}`); strings.Contains(got, "more") {
		t.Errorf("the last page says more: %s", got)
	}
}

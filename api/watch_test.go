package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

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

// The first line of a watch is empty, and says that it has begun.
func TestWatchSaysThatItBegan(t *testing.T) {
	w := start(t, nil)
	token, err := os.ReadFile(node.TokenFile(w.home))
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.client.URL()+"/admin-api/store/watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := w.client.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	w.put("k", "v")
	if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, `{"key":"k","value":"v","version":"baf`) || !strings.HasSuffix(line, `,"status":"created"}`+"\n") || err != nil {
		t.Fatalf("%q, %v", line, err)
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

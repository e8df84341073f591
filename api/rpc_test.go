package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

func masked(s string) string {
	return stamp.ReplaceAllString(regexp.MustCompile(`"b[a-z2-7]{58}"`).ReplaceAllString(s, `"ID"`), "TIME")
}

// Each line is what is sent and what comes back, in this order, to one node.
func TestCalls(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct{ send, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"a","value":"x"}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"a","version":"ID","status":"created"}}`},
		{`{"jsonrpc":"2.0","id":"two","method":"store_put","params":{"key":"a","value":"y"}}`,
			`{"jsonrpc":"2.0","id":"two","result":{"key":"a","version":"ID","status":"updated"}}`},
		{`{"jsonrpc":"2.0","id":null,"method":"store_put","params":{"key":"a","value":"y"}}`,
			`{"jsonrpc":"2.0","id":null,"result":{"key":"a","version":"ID","status":"unchanged"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get","params":{"key":"a"}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"a","value":"y","version":"ID","timestamp":"TIME"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"b/1","valueBase64":"/wA="}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"b/1","version":"ID","status":"created"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"b/2","value":""}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"b/2","version":"ID","status":"created"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"prefix":"b/"}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"entries":[{"key":"b/1","valueBase64":"/wA=","version":"ID","timestamp":"TIME"},{"key":"b/2","value":"","version":"ID","timestamp":"TIME"}]}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"prefix":"b/","limit":1}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"entries":[{"key":"b/1","valueBase64":"/wA=","version":"ID","timestamp":"TIME"}],"more":true}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_remove","params":{"key":"b/1"}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"b/1","version":"ID","status":"deleted"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_remove","params":{"key":"b/1"}}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"there is no key \"b/1\"","data":{"type":"NotFound","data":"b/1"}}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"prefix":"zz"}}`, `{"jsonrpc":"2.0","id":1,"result":{"entries":[]}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"keyBase64":"/w==","value":"k"}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"key":"\ufffd","keyBase64":"/w==","version":"ID","status":"created"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"peers"}`, `{"jsonrpc":"2.0","id":1,"result":{"peers":[]}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"registry_list","params":{}}`, `{"jsonrpc":"2.0","id":1,"result":{"peers":[],"complete":true}}`},
		{`[{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"c","value":"1"}},{"jsonrpc":"2.0","method":"store_put","params":{"key":"c","value":"2"}},{"jsonrpc":"2.0","id":2,"method":"store_get","params":{"key":"c"}}]`,
			`[{"jsonrpc":"2.0","id":1,"result":{"key":"c","version":"ID","status":"created"}},{"jsonrpc":"2.0","id":2,"result":{"key":"c","value":"2","version":"ID","timestamp":"TIME"}}]`},
		{`{"jsonrpc":"2.0","method":"peers"}`, ``},
		{`{"jsonrpc":"2.0","method":"nonsense"}`, ``},
		{`[{"jsonrpc":"2.0","method":"peers"}]`, ``},
	} {
		if got := masked(w.rpc(c.send)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.send, got, c.want)
		}
	}
}

func TestWrongCalls(t *testing.T) {
	w := start(t, nil, MaxBatch(3))
	for _, c := range []struct {
		send string
		kind Kind
		code int
		says string
	}{
		{``, ParseError, -32700, "no JSON"},
		{`{`, ParseError, -32700, "no JSON"},
		{"\"\xff\"", ParseError, -32700, "UTF-8"},
		{`{} {}`, ParseError, -32700, "no JSON"},
		{`7`, InvalidRequest, -32600, "object"},
		{`[]`, InvalidRequest, -32600, "batch of 0 calls"},
		{`[1,1,1,1]`, InvalidRequest, -32600, "batch of 4 calls"},
		{`{"jsonrpc":"1.0","id":1,"method":"peers"}`, InvalidRequest, -32600, "2.0"},
		{`{"jsonrpc":"2.0","id":{},"method":"peers"}`, InvalidRequest, -32600, "id"},
		{`{"jsonrpc":"2.0","id":1}`, InvalidRequest, -32600, "no method"},
		{`{"jsonrpc":"2.0","id":1,"method":7}`, InvalidRequest, -32600, "object"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_burn"}`, MethodNotFound, -32601, `"store_burn"`},
		{`{"jsonrpc":"2.0","id":1,"method":"peers","params":[1]}`, InvalidParams, -32602, "object"},
		{`{"jsonrpc":"2.0","id":1,"method":"peers","params":{"x":1}}`, InvalidParams, -32602, `"x"`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get"}`, InvalidParams, -32602, "key of 0 bytes"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get","params":{"key":1}}`, InvalidParams, -32602, `"key" is a number`},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get","params":{"keyBase64":"*"}}`, InvalidParams, -32602, "base64"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get","params":{"key":"a","keyBase64":"aa=="}}`, InvalidParams, -32602, "not both"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"a"}}`, InvalidParams, -32602, "give value"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"a","value":"` + strings.Repeat("x", 600<<10) + `"}}`, InvalidParams, -32602, "blob"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_list","params":{"limit":-1}}`, InvalidParams, -32602, "limit"},
		{`{"jsonrpc":"2.0","id":1,"method":"store_get","params":{"key":"nothing"}}`, NotFound, -32001, `"nothing"`},
	} {
		var got struct {
			Error wireError `json:"error"`
		}
		text := w.rpc(c.send)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%.200s: %s: %v", c.send, text, err)
			continue
		}
		if got.Error.Data.Type != c.kind || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.says) {
			t.Errorf("%.200s: %s, want %s %d with %q", c.send, text, c.kind, c.code, c.says)
		}
	}
}

func TestAHugeRequestIsRefused(t *testing.T) {
	w := start(t, nil, MaxBody(1000))
	for _, size := range []int{1001, 1 << 20} {
		status, text, _ := w.send(http.MethodPost, "/jsonrpc", strings.Repeat(" ", size))
		if status != http.StatusRequestEntityTooLarge || !strings.Contains(text, `"TooLarge"`) {
			t.Errorf("%d bytes: %d %s", size, status, text)
		}
	}
	if got := w.rpc(`{"jsonrpc":"2.0","id":1,"method":"peers"}`); !strings.Contains(got, "result") {
		t.Error(got)
	}
}

func TestStatusHasTheKeysOfTheContract(t *testing.T) {
	w := start(t, nil)
	var status map[string]json.RawMessage
	if err := w.client.Call(t.Context(), "status", nil, &status); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"nodeId", "nodeType", "ready", "uptimeSeconds", "store", "log", "transport", "discovery", "contexts", "problems"} {
		if status[key] == nil {
			t.Errorf("status has no %q: %v", key, status)
		}
	}
	var info map[string]json.RawMessage
	if err := w.client.Call(t.Context(), "node_info", nil, &info); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"nodeId", "displayName", "hostname", "os", "version", "startedAt", "uptimeSeconds", "capabilities"} {
		if info[key] == nil {
			t.Errorf("node_info has no %q: %v", key, info)
		}
	}
}

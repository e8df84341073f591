package api

import (
	"net/http"
	"strings"
	"testing"
)

// Programs, transport, log and store are told of in the text of Prometheus, to who has the token.
func TestMetrics(t *testing.T) {
	w := start(t, nil)
	w.rpc(`{"jsonrpc":"2.0","id":1,"method":"store_put","params":{"key":"a","value":"b"}}`)
	status, body, head := w.send(http.MethodGet, "/metrics", "")
	if status != http.StatusOK || !strings.HasPrefix(head.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s\n%s", status, head.Get("Content-Type"), body)
	}
	for _, want := range []string{
		`merograph_info{network="test",node_id="` + string(w.state.ID()) + `",node_type="coordinator",version="`,
		"merograph_ready 1", "merograph_problems 0", "merograph_log_records 2", "merograph_store_entries 1", "merograph_blobs 0",
		`merograph_context_deltas{context="`, "merograph_transport_peers 0", "merograph_transport_streams_opened_total ",
		"merograph_transport_queued_bytes 0", `merograph_program_ticks_total{graph="replicate",role="peer"} `,
		`merograph_program_inbox_events{graph="globalregistry",role="server"} 0`, `merograph_program_activations{graph="blobexchange",role="peer"} 0`,
		`merograph_program_table_rows{graph="globalregistry",role="server",table="cohort"} 0`,
		`merograph_program_step_fired_total{graph="replicate",op="ask publish",role="peer",step="`, "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(body, "\n"+want) && !strings.HasPrefix(body, want) {
			t.Errorf("there is no line %s", want)
		}
	}
	if strings.Contains(body, `role="client"`) {
		t.Error("a role that does not run is told of")
	}
	if t.Failed() {
		t.Log(body)
	}
	if status, body, _ = w.send(http.MethodGet, "/metrics", "", func(r *http.Request) { r.Header.Del("Authorization") }); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", status, body)
	}
	if _, err := w.state.Metrics().Gather(); err != nil {
		t.Error(err)
	}
}

// graph_show is the drawing as data, with the counts of what runs.
func TestGraphShow(t *testing.T) {
	w := start(t, nil)
	got := w.rpc(`{"jsonrpc":"2.0","id":1,"method":"graph_show","params":{"name":"globalregistry"}}`)
	for _, want := range []string{`"name":"globalregistry"`, `"live":{"instances":1,"ticks":`, `"rows":0`, `"live":{"fired":0}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for params, want := range map[string]string{
		`{"name":"nothing"}`:                 `"type":"NotFound","data":"nothing"`,
		`{"name":"replicate","role":"king"}`: `"type":"InvalidParams","data":"role"`,
		`{"name":"replicate","rule":"peer"}`: `"type":"InvalidParams"`,
	} {
		if got := w.rpc(`{"jsonrpc":"2.0","id":1,"method":"graph_show","params":` + params + `}`); !strings.Contains(got, want) {
			t.Errorf("%s: %s", params, got)
		}
	}
	if got := w.rpc(`{"jsonrpc":"2.0","id":1,"method":"registry_list"}`); !strings.Contains(got, `"result":{"peers":[],"complete":true}`) {
		t.Error(got)
	}
}

package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is written of sync, in a file or in the environment, is within its bounds: a zero is no way to say the default. In a
// configuration that code made it is.
func TestSyncBounds(t *testing.T) {
	for _, c := range []struct{ key, name, value, want string }{
		{"batch", "MEROD_SYNC_BATCH", "1", ""},
		{"batch", "MEROD_SYNC_BATCH", "16384", ""},
		{"batch", "MEROD_SYNC_BATCH", "0", "sync batch 0: it is 1 to 16384 deltas"},
		{"batch", "MEROD_SYNC_BATCH", "-1", "sync batch -1: it is 1 to 16384 deltas"},
		{"batch", "MEROD_SYNC_BATCH", "16385", "sync batch 16385: it is 1 to 16384 deltas"},
		{"retries", "MEROD_SYNC_RETRIES", "1", ""},
		{"retries", "MEROD_SYNC_RETRIES", "0", "sync retries 0: they are 1 to 100"},
		{"retries", "MEROD_SYNC_RETRIES", "101", "sync retries 101: they are 1 to 100"},
		{"ack_timeout", "MEROD_SYNC_ACK_TIMEOUT", "100ms", ""},
		{"ack_timeout", "MEROD_SYNC_ACK_TIMEOUT", "0s", "sync acknowledgement timeout 0s: it is 100ms to 1h"},
		{"ack_timeout", "MEROD_SYNC_ACK_TIMEOUT", "61m", "sync acknowledgement timeout 1h1m0s: it is 100ms to 1h"},
		{"ack_timeout", "MEROD_SYNC_ACK_TIMEOUT", "soon", `"soon" is no duration: it is like 10s`},
	} {
		for _, base := range []Sync{defaultSync(), {}} {
			cfg := Default()
			cfg.Sync = base
			env := map[string]string{c.name: c.value}
			says(t, c.name+"="+c.value, cfg.Environment(func(k string) string { return env[k] }), c.want)
			cfg = Default()
			cfg.Sync = base
			value := c.value
			if c.key == "ack_timeout" {
				value = `"` + value + `"`
			}
			file := filepath.Join(t.TempDir(), "merod.toml")
			if err := os.WriteFile(file, []byte("[sync]\n"+c.key+" = "+value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			says(t, file, cfg.Load(file), c.want)
		}
	}
	cfg := Default()
	cfg.Sync = Sync{Retries: 2}
	if p := cfg.Sync.pace(); cfg.Validate() != nil || p.Batch != 64 || p.Retries != 2 || p.Timeout != 10*time.Second {
		t.Errorf("made by code: %+v, %v", p, cfg.Validate())
	}
}

// says wants an error that names the input and says want, or none.
func says(t *testing.T, input string, err error, want string) {
	t.Helper()
	switch {
	case want == "":
		if err != nil {
			t.Errorf("%s: %v", input, err)
		}
	case err == nil || !strings.Contains(err.Error(), input) || !strings.Contains(err.Error(), want):
		t.Errorf("%s: %v, want %s", input, err, want)
	}
}

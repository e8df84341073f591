package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A home is stamped when it is made, and serves no other network and no older version than it is of.
func TestStampOfTheHome(t *testing.T) {
	for name, c := range map[string]struct{ stamp, says string }{
		"none":            {"", ""},
		"its own":         {`{"format":1,"network":"test"}`, ""},
		"another network": {`{"format":1,"network":"other"}`, "give --network other"},
		"a later format":  {`{"format":2,"network":"test"}`, "format 2"},
		"no stamp at all": {"hello", "is damaged"},
		"half of one":     {`{"format":1}`, "is damaged"},
	} {
		dir := t.TempDir()
		h, file := home(dir), filepath.Join(dir, "stamp")
		if c.stamp != "" {
			if err := os.WriteFile(file, []byte(c.stamp), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := h.stampOrCheck("test")
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
		raw, err := os.ReadFile(file)
		if err != nil || c.stamp == "" && strings.TrimSpace(string(raw)) != `{"format":1,"network":"test"}` || c.stamp != "" && string(raw) != c.stamp {
			t.Errorf("%s: the stamp is now %q, %v", name, raw, err)
		}
	}
}

func TestAHomeKeepsToItsNetwork(t *testing.T) {
	home := t.TempDir()
	if err := start(t, home, nil).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Home, cfg.Network.Name, cfg.Swarm.Addrs = home, "another", nil
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "is of the network test") {
		t.Fatal(err)
	}
	cfg.Memory = true // keeps nothing in the home, so its network is nothing to it
	if n, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

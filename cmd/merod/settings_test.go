package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/merograph/merograph/node"
)

const documentation = "../../docs/configuration.md"

// loaded puts settings together as run does, from flags, environment and file.
func loaded(t *testing.T, flags map[string]string, env map[string]string) (node.Config, error) {
	t.Helper()
	s := &settings{config: flags["config"], nodeType: flags["node-type"], swarm: flags["swarm-addrs"], bootstrap: flags["bootstrap"],
		api: flags["api-addr"], network: flags["network"], secretFile: flags["network-secret-file"],
		mdns: flags["mdns"], through: flags["reach-through"], memory: flags["memory"] == "true"}
	return s.load("/home", func(f string) bool { _, ok := flags[f]; return ok }, func(v string) string { return env[v] })
}

// The example of the documentation is read strictly, and says the defaults but where it says otherwise.
func TestTheDocumentedFile(t *testing.T) {
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```toml\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("docs/configuration.md has no example in TOML")
	}
	file := filepath.Join(t.TempDir(), "merod.toml")
	if err := os.WriteFile(file, example[1], 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := loaded(t, map[string]string{"config": file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := node.Default()
	want.Home, want.NodeType, want.Memory = "/home", node.Peer, false
	want.Bootstrap = []string{"/ip4/192.168.1.10/tcp/2428/p2p/12D3KooWGzh2rPe3WVxkiTiGh8EHoiKyPmxTHYXt1Mm3hR5oTYRB"}
	want.Swarm.Addrs = []string{"/ip4/0.0.0.0/tcp/2428", "/ip4/0.0.0.0/udp/2428/quic-v1"}
	want.API.Addr = "127.0.0.1:2528"
	want.Network = node.Network{Name: "office", Secret: "correct horse battery staple"}
	want.Discovery.MDNS = node.MDNSOn
	want.Reach = node.Reach{Relayed: true, HolePunch: true, Through: []string{"/ip4/203.0.113.7/tcp/2428/p2p/12D3KooWGzh2rPe3WVxkiTiGh8EHoiKyPmxTHYXt1Mm3hR5oTYRB"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every flag of run and every variable is in the documentation.
func TestEverySettingIsDocumented(t *testing.T) {
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"--home", "--config", "--node-type", "--swarm-addrs", "--bootstrap", "--api-addr", "--network",
		"--network-secret-file", "--memory", "MEROD_HOME", "MEROD_CONFIG", "MEROD_NODE_TYPE", "MEROD_SWARM_ADDRS", "MEROD_BOOTSTRAP",
		"MEROD_API_ADDR", "MEROD_NETWORK", "MEROD_NETWORK_SECRET", "MEROD_MEMORY", "MEROD_NODE", "MEROD_TOKEN_FILE",
		"--mdns", "--reach-through", "MEROD_MDNS", "MEROD_REACH_THROUGH", "MEROD_REACH_RELAYED", "MEROD_REACH_RELAY", "MEROD_REACH_HOLE_PUNCH",
		"MEROD_REACH_AUTO_NAT", "MEROD_REACH_KNOWN", "MEROD_CLOCK_OFFSET"} {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/configuration.md does not have `%s`", name)
		}
	}
}

func TestFlagOverEnvironmentOverFile(t *testing.T) {
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "c.toml"), filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("[network]\nname = 'file'\nsecret = 'file'\n[api]\naddr = '127.0.0.1:1'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("flag\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"MEROD_CONFIG": file, "MEROD_NETWORK": "env", "MEROD_NETWORK_SECRET": "env", "MEROD_MEMORY": "true",
		"MEROD_SWARM_ADDRS": "/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2"}
	c, err := loaded(t, nil, env)
	if err != nil || c.Network != (node.Network{Name: "env", Secret: "env"}) || c.API.Addr != "127.0.0.1:1" || !c.Memory || len(c.Swarm.Addrs) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	relay := "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWGzh2rPe3WVxkiTiGh8EHoiKyPmxTHYXt1Mm3hR5oTYRB"
	env["MEROD_MDNS"], env["MEROD_REACH_THROUGH"], env["MEROD_REACH_RELAY"], env["MEROD_REACH_KNOWN"] = "on", relay+","+relay, "true", "public"
	c, err = loaded(t, map[string]string{"mdns": "off", "reach-through": relay}, env)
	if err != nil || c.Discovery.MDNS != "off" || len(c.Reach.Through) != 1 || !c.Reach.Relay || c.Reach.Known != "public" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = loaded(t, map[string]string{"network": "flag", "network-secret-file": secret, "memory": "false"}, env)
	if err != nil || c.Network != (node.Network{Name: "flag", Secret: "flag"}) || c.Memory {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWrongSettings(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags, env map[string]string
		says       string
	}{
		{map[string]string{"node-type": "king"}, nil, `"king"`},
		{map[string]string{"swarm-addrs": "localhost:1"}, nil, `"localhost:1"`},
		{map[string]string{"swarm-addrs": "/ip4/0.0.0.0/tcp/1"}, nil, "secret"},
		{map[string]string{"bootstrap": "/ip4/1.2.3.4/tcp/1", "node-type": "peer"}, nil, "/p2p/"},
		{map[string]string{"bootstrap": "/ip4/1.2.3.4/tcp/1"}, nil, "coordinator"},
		{map[string]string{"api-addr": "2528"}, nil, "host:port"},
		{map[string]string{"api-addr": "127.0.0.1:99999"}, nil, "65535"},
		{map[string]string{"network": "a b"}, nil, `"a b"`},
		{map[string]string{"network-secret-file": empty}, nil, "empty"},
		{map[string]string{"network-secret-file": empty + "x"}, nil, "secret"},
		{map[string]string{"config": empty + "x"}, nil, "no such file"},
		{nil, map[string]string{"MEROD_MEMORY": "perhaps"}, "MEROD_MEMORY"},
		{map[string]string{"mdns": "yes"}, nil, `"yes"`},
		{map[string]string{"reach-through": "/ip4/1.2.3.4/tcp/1"}, nil, "/p2p/"},
		{nil, map[string]string{"MEROD_REACH_KNOWN": "maybe"}, `"maybe"`},
		{nil, map[string]string{"MEROD_CLOCK_OFFSET": "an hour"}, "MEROD_CLOCK_OFFSET"},
		{nil, map[string]string{"MEROD_CLOCK_OFFSET": "2000000h"}, "clock offset"},
		{nil, map[string]string{"MEROD_REACH_HOLE_PUNCH": "perhaps"}, "MEROD_REACH_HOLE_PUNCH"},
	} {
		_, err := loaded(t, c.flags, c.env)
		if err == nil || !strings.Contains(err.Error(), c.says) || report(io.Discard, err) != 2 {
			t.Errorf("%v %v: %v, want %q and exit status 2", c.flags, c.env, err, c.says)
		}
	}
}

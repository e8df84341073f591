package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/merograph/merograph/node"
	"github.com/spf13/pflag"
)

// settings are the flags of run. What was not given says nothing.
type settings struct {
	config     string
	nodeType   string
	swarm      string
	bootstrap  string
	api        string
	network    string
	secretFile string
	mdns       string
	through    string
	memory     bool
}

func (s *settings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.config, "config", "", "a TOML file of settings (or MEROD_CONFIG)")
	f.StringVar(&s.nodeType, "node-type", "", "coordinator, the first node of a network, or peer (default coordinator)")
	f.StringVar(&s.swarm, "swarm-addrs", "", "multiaddrs to listen at, with commas between (default port 2428 of the loopback)")
	f.StringVar(&s.bootstrap, "bootstrap", "", "multiaddr/p2p/ID of the nodes to join through, with commas between, the coordinator's first")
	f.StringVar(&s.api, "api-addr", "", "host:port of the API (default 127.0.0.1:2528)")
	f.StringVar(&s.network, "network", "", "the network's name (default main)")
	f.StringVar(&s.secretFile, "network-secret-file", "", "a file that holds the network's secret; needed off the loopback")
	f.StringVar(&s.mdns, "mdns", "", "find the nodes of this network on the local network: auto, on or off (default auto: on where the node listens off the loopback)")
	f.StringVar(&s.through, "reach-through", "", "multiaddr/p2p/ID of relays, with commas between, that others reach this node through while they cannot dial it")
	f.BoolVar(&s.memory, "memory", false, "keep nothing on disk but the API's address and token")
}

// load puts the settings together: flag over environment over file over default. Every error is one of usage.
func (s *settings) load(home string, given func(flag string) bool, getenv func(string) string) (node.Config, error) {
	cfg := node.Default()
	file := s.config
	if file == "" {
		file = getenv("MEROD_CONFIG")
	}
	if file != "" {
		if err := cfg.Load(file); err != nil {
			return cfg, usageError{err}
		}
	}
	if err := cfg.Environment(getenv); err != nil {
		return cfg, usageError{err}
	}
	cfg.Home = home
	for _, f := range []struct {
		name string
		set  func()
	}{
		{"node-type", func() { cfg.NodeType = s.nodeType }},
		{"swarm-addrs", func() { cfg.Swarm.Addrs = node.SplitList(s.swarm) }},
		{"bootstrap", func() { cfg.Bootstrap = node.SplitList(s.bootstrap) }},
		{"api-addr", func() { cfg.API.Addr = s.api }},
		{"network", func() { cfg.Network.Name = s.network }},
		{"mdns", func() { cfg.Discovery.MDNS = s.mdns }},
		{"reach-through", func() { cfg.Reach.Through = node.SplitList(s.through) }},
		{"memory", func() { cfg.Memory = s.memory }},
	} {
		if given(f.name) {
			f.set()
		}
	}
	if s.secretFile != "" {
		secret, err := readSecret(s.secretFile)
		if err != nil {
			return cfg, usageError{err}
		}
		cfg.Network.Secret = secret
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func readSecret(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the network's secret: %w", err)
	}
	raw = bytes.TrimRight(raw, "\r\n")
	if len(raw) == 0 {
		return "", fmt.Errorf("the file %s is empty: write the network's secret into it", file)
	}
	return string(raw), nil
}

package node

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/merograph/merograph/graph"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/pelletier/go-toml/v2"
)

// The types of node.
const (
	Coordinator = "coordinator" // the first node of a network: serves the registry, founds the default context
	Peer        = "peer"        // joins through a coordinator
)

// A Config is what a user writes: in a file, in the environment, as flags.
type Config struct {
	Home      string   `toml:"-"`         // the node's folder
	NodeType  string   `toml:"node_type"` // coordinator or peer
	Bootstrap []string `toml:"bootstrap"` // multiaddr/p2p/ID of nodes to join through, the coordinator's first
	Memory    bool     `toml:"memory"`    // keep nothing on disk but the address and the token of the API
	Swarm     Swarm    `toml:"swarm"`
	API       API      `toml:"api"`
	Network   Network  `toml:"network"`
	Sync      Sync     `toml:"sync"`
	Clock     Clock    `toml:"clock"`

	Discovery Discovery `toml:"discovery"`
	Reach     Reach     `toml:"reach"`

	Logger *slog.Logger `toml:"-"` // nil: silent
}

// Swarm is how other nodes reach this one.
type Swarm struct {
	Addrs []string `toml:"addrs"` // multiaddrs to listen at
}

// API is how programs on this machine reach the node.
type API struct {
	Addr string `toml:"addr"` // host:port; port 0 is any free one
}

// Network is what the node is part of.
type Network struct {
	Name   string `toml:"name"`
	Secret string `toml:"secret"` // proves membership to the coordinator; needed off the loopback
}

// key is what a peer proves to a coordinator: the secret, bound to the name of the network. So who gives another name is not
// registered, even where there is no secret.
func (n Network) key() []byte {
	m := hmac.New(sha256.New, []byte(n.Secret))
	m.Write([]byte("merograph/network/1\x00" + n.Name))
	return m.Sum(nil)
}

// servers are the nodes that this one joins through, in their order, each with its addresses.
func (c *Config) servers() (ids []graph.Peer, addresses map[graph.Peer][]string) {
	addresses = map[graph.Peer][]string{}
	for _, a := range c.Bootstrap {
		_, id, _ := strings.Cut(a, "/p2p/")
		p := graph.Peer(id)
		if addresses[p] == nil {
			ids = append(ids, p)
		}
		addresses[p] = append(addresses[p], a)
	}
	return ids, addresses
}

// Default is the configuration of a node that nobody configured: a coordinator on the loopback.
func Default() Config {
	home := ".merod"
	if dir, err := os.UserHomeDir(); err == nil {
		home = filepath.Join(dir, ".merod")
	}
	return Config{
		Home:     home,
		NodeType: Coordinator,
		Swarm:    Swarm{Addrs: []string{"/ip4/127.0.0.1/tcp/2428", "/ip4/127.0.0.1/udp/2428/quic-v1"}},
		API:      API{Addr: "127.0.0.1:2528"},
		Network:  Network{Name: "main"},
		Sync:     defaultSync(),

		Discovery: Discovery{MDNS: MDNSAuto},
	}
}

// Load reads the TOML of a file over c. An unknown key is an error that names its line.
func (c *Config) Load(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	c.Sync = c.Sync.whole() // from here on a zero is one that the file has
	err = toml.NewDecoder(f).DisallowUnknownFields().Decode(c)
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		var all []string
		for _, e := range strict.Errors {
			row, _ := e.Position()
			all = append(all, fmt.Sprintf("%s, line %d: unknown key %q", file, row, strings.Join(e.Key(), ".")))
		}
		return fmt.Errorf("%s: remove it, or see docs/configuration.md", strings.Join(all, "; "))
	case errors.As(err, &bad):
		row, _ := bad.Position()
		return fmt.Errorf("%s, line %d: %s", file, row, strings.TrimPrefix(bad.Error(), "toml: "))
	case err != nil:
		return err
	}
	if errs := c.Sync.check(); len(errs) > 0 {
		return fmt.Errorf("%s: %w", file, errors.Join(errs...))
	}
	return nil
}

// Environment reads the MEROD_ variables over c.
func (c *Config) Environment(get func(string) string) error {
	for _, v := range []struct {
		name string
		set  func(string)
	}{
		{"MEROD_HOME", func(s string) { c.Home = s }},
		{"MEROD_NODE_TYPE", func(s string) { c.NodeType = s }},
		{"MEROD_SWARM_ADDRS", func(s string) { c.Swarm.Addrs = SplitList(s) }},
		{"MEROD_BOOTSTRAP", func(s string) { c.Bootstrap = SplitList(s) }},
		{"MEROD_API_ADDR", func(s string) { c.API.Addr = s }},
		{"MEROD_NETWORK", func(s string) { c.Network.Name = s }},
		{"MEROD_NETWORK_SECRET", func(s string) { c.Network.Secret = s }},
		{"MEROD_MDNS", func(s string) { c.Discovery.MDNS = s }},
		{"MEROD_REACH_THROUGH", func(s string) { c.Reach.Through = SplitList(s) }},
		{"MEROD_REACH_KNOWN", func(s string) { c.Reach.Known = s }},
	} {
		if s := get(v.name); s != "" {
			v.set(s)
		}
	}
	var errs []error
	for _, err := range []error{c.Sync.environment(get), c.Clock.environment(get)} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, v := range []struct {
		name string
		at   *bool
	}{
		{"MEROD_MEMORY", &c.Memory},
		{"MEROD_REACH_RELAYED", &c.Reach.Relayed},
		{"MEROD_REACH_RELAY", &c.Reach.Relay},
		{"MEROD_REACH_HOLE_PUNCH", &c.Reach.HolePunch},
		{"MEROD_REACH_AUTO_NAT", &c.Reach.AutoNAT},
	} {
		s := get(v.name)
		if s == "" {
			continue
		}
		is, err := strconv.ParseBool(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%s: it is true or false", v.name, s))
			continue
		}
		*v.at = is
	}
	return errors.Join(errs...)
}

// dialable says which addresses do not name a peer and a place where it is.
func dialable(what string, addresses []string) (errs []error) {
	for _, a := range addresses {
		m, err := multiaddr.NewMultiaddr(a)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %q is no multiaddr: it is like /ip4/127.0.0.1/tcp/2428/p2p/12D3Koo…", what, a))
		} else if _, err := m.ValueForProtocol(multiaddr.P_P2P); err != nil {
			errs = append(errs, fmt.Errorf("%s %q does not say whom it dials: add /p2p/ and the peer id", what, a))
		}
	}
	return errs
}

// SplitList reads a list as the environment and the flags write it: with commas, and spaces where one likes.
func SplitList(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// notInName says that a name of a network has no such rune; nor has it bytes that are none.
func notInName(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// Validate reports everything that is wrong with c.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Home == "" {
		bad("the home is empty: give --home")
	}
	if c.NodeType != Coordinator && c.NodeType != Peer {
		bad("node type %q: it is coordinator or peer", c.NodeType)
	}
	if c.NodeType == Coordinator && len(c.Bootstrap) > 0 {
		bad("a coordinator begins a network and has no --bootstrap: give --node-type peer to join one")
	}
	errs = append(errs, dialable("bootstrap", c.Bootstrap)...)
	for _, a := range c.Swarm.Addrs {
		m, err := multiaddr.NewMultiaddr(a)
		if err != nil {
			bad("swarm address %q is no multiaddr: it is like /ip4/127.0.0.1/tcp/2428", a)
			continue
		}
		if !manet.IsIPLoopback(m) && c.Network.Secret == "" {
			bad("swarm address %q is off the loopback: give the network a secret (--network-secret-file, MEROD_NETWORK_SECRET or network.secret)", a)
		}
	}
	if _, port, err := net.SplitHostPort(c.API.Addr); err != nil {
		bad("API address %q: it is host:port, like 127.0.0.1:2528", c.API.Addr)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		bad("API address %q: its port %q is no number from 0 to 65535 (0 is any free one)", c.API.Addr, port)
	}
	errs = append(errs, c.Discovery.check()...)
	errs = append(errs, c.Reach.check()...)
	if c.Network.Name == "" || strings.ContainsFunc(c.Network.Name, notInName) {
		bad("network name %q: it is of letters, digits, - and _", c.Network.Name)
	}
	errs = append(errs, c.Sync.validate()...)
	errs = append(errs, c.Clock.validate()...)
	return errors.Join(errs...)
}

package node

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"sort"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/p2p"
)

// Version is the version of this node.
const Version = "0.1.0"

// A Status is what a person asks first.
type Status struct {
	NodeID        graph.Peer      `json:"nodeId"`
	NodeType      string          `json:"nodeType"`
	Network       string          `json:"network"`
	Ready         bool            `json:"ready"`
	UptimeSeconds float64         `json:"uptimeSeconds"`
	API           string          `json:"api,omitempty"`
	Store         StoreStatus     `json:"store"`
	Log           LogStatus       `json:"log"`
	Outbox        OutboxStatus    `json:"outbox"`
	Transport     TransportStatus `json:"transport"`
	Discovery     DiscoveryStatus `json:"discovery"`
	Contexts      []ContextStatus `json:"contexts"`
	Blobs         BlobStatus      `json:"blobs"`
	Refused       []Refusal       `json:"refused"`
	Problems      []string        `json:"problems"`
}

// StoreStatus tells of the key-value store.
type StoreStatus struct {
	Entries int `json:"entries"`
}

// LogStatus tells of the history on disk.
type LogStatus struct {
	Path         string `json:"path"`
	Records      uint64 `json:"records"`
	LastSequence uint64 `json:"lastSequence"` // of its last record
	Bytes        int64  `json:"bytes"`
}

// OutboxStatus tells what was written here and is not acknowledged; Outbox tells more.
type OutboxStatus struct {
	Queued       int `json:"queued"`
	InFlight     int `json:"inFlight"`
	Acknowledged int `json:"acknowledged"`
	Failed       int `json:"failed"`
}

// TransportStatus tells of the connections.
type TransportStatus struct {
	Running bool     `json:"running"`
	Listen  []string `json:"listen"`
	Peers   int      `json:"peers"`
	Reach   string   `json:"reach"` // whether others can dial this node: public, private, unknown
}

// DiscoveryStatus tells how the node finds others.
type DiscoveryStatus struct {
	Running    bool `json:"running"`
	Known      int  `json:"known"`
	Registered bool `json:"registered"` // with a coordinator; true on the coordinator itself
	MDNS       bool `json:"mdns"`       // others are looked for on the local network
	Found      int  `json:"found"`      // there
}

// ContextStatus tells of a context.
type ContextStatus struct {
	ID     string   `json:"id"`
	Deltas int      `json:"deltas"`
	Tips   []string `json:"tips"` // the ids of the deltas that no other names, at most 16
	Member bool     `json:"member"`
	State  string   `json:"state"` // waiting_for_genesis, ready
}

// BlobStatus tells of the blobs.
type BlobStatus struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

// A Refusal counts what was refused, by where and why.
type Refusal struct {
	Channel string `json:"channel,omitempty"`
	Reason  string `json:"reason"`
	Count   uint64 `json:"count"`
}

// A PeerEntry tells of another node.
type PeerEntry struct {
	PeerID    graph.Peer `json:"peerId"`
	Addresses []string   `json:"addresses"`
	State     string     `json:"state"`
	LastSeen  string     `json:"lastSeen,omitempty"` // RFC 3339
}

// Info is what the node is.
type Info struct {
	NodeID        graph.Peer `json:"nodeId"`
	DisplayName   string     `json:"displayName"`
	Hostname      string     `json:"hostname"`
	OS            string     `json:"os"`
	Version       string     `json:"version"`
	StartedAt     string     `json:"startedAt"`
	UptimeSeconds float64    `json:"uptimeSeconds"`
	Capabilities  []string   `json:"capabilities"`
}

// Stamp is a time as the API and the commands show it: RFC 3339 in UTC with milliseconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Status tells how the node is.
func (s *State) Status() Status { return s.read().Status }

// A reading is a status with what it was made of that metrics tell in full. Each source is read once.
type reading struct {
	Status
	refused   []dag.Refusal // by the log
	transport *p2p.Stats    // nil when it does not run
}

func (s *State) read() reading {
	st := reading{Status: Status{NodeID: s.ID(), NodeType: s.cfg.NodeType, Network: s.cfg.Network.Name, Ready: s.Ready(), UptimeSeconds: s.uptime(),
		API: s.API(), Contexts: []ContextStatus{}, Refused: []Refusal{}, Problems: []string{}}}
	st.Transport.Listen = []string{}
	if j := s.Journal(); j != nil {
		s.historyStatus(&st, j)
	}
	if b := s.Blobs(); b != nil {
		list, _ := b.Store().List()
		st.Blobs.Count = len(list)
		for _, b := range list {
			st.Blobs.Bytes += b.Size
		}
	}
	if h := s.Host(); h != nil {
		s.transportStatus(&st, h)
	}
	s.mu.Lock()
	for _, p := range s.problems {
		st.Problems = append(st.Problems, p)
	}
	lease := s.lease
	s.mu.Unlock()
	if lease != nil {
		registered, last := lease()
		st.Discovery.Registered = registered
		if last != "" {
			st.Problems = append(st.Problems, "registering: "+last)
		}
	} else {
		st.Discovery.Registered = s.cfg.NodeType == Coordinator
	}
	st.Problems = append(st.Problems, s.ahead.problems()...)
	slices.Sort(st.Problems)
	return st
}

func (s *State) historyStatus(st *reading, j *dag.Journal) {
	js := j.Stats()
	st.Log = LogStatus{Path: home(s.cfg.Home).log(), Records: js.Records, LastSequence: js.LastSequence, Bytes: js.Bytes}
	if s.cfg.Memory {
		st.Log.Path = "memory"
	}
	for _, c := range js.Contexts {
		cs := ContextStatus{ID: c.ID.String(), Deltas: c.Deltas, Tips: []string{}, State: "ready", Member: j.Member(c.ID, s.signer.Public())}
		for _, h := range j.Heads(c.ID) {
			if len(cs.Tips) < 16 {
				cs.Tips = append(cs.Tips, h.String())
			}
		}
		if !c.Founded {
			cs.State = "waiting_for_genesis"
		}
		st.Contexts = append(st.Contexts, cs)
	}
	st.refused = j.Refusals()
	for _, r := range st.refused {
		st.Refused = append(st.Refused, Refusal{"log", string(r.Reason), uint64(r.Count)})
	}
	o := s.Outbox()
	st.Outbox = OutboxStatus{o.Queued, o.InFlight, o.Acknowledged, o.Failed}
	if kv, err := s.Store(); err == nil {
		if st.Store.Entries, err = kv.Len(); err != nil {
			st.Problems = append(st.Problems, "the store cannot be read: "+err.Error())
		}
	}
}

func (s *State) transportStatus(st *reading, h *p2p.Host) {
	st.Transport = TransportStatus{Running: true, Listen: h.Addrs(), Peers: len(h.Connected().Get()),
		Reach: cmp.Or(h.Reachable().Get(), "unknown")}
	s.mu.Lock()
	st.Discovery.Running, st.Discovery.MDNS = s.registry != nil, s.mdns
	s.mu.Unlock()
	st.Discovery.Known, st.Discovery.Found = len(s.members.Get()), len(h.Found().Get())
	hs := h.Stats()
	st.transport = &hs
	for _, r := range hs.Refused {
		st.Refused = append(st.Refused, Refusal(r))
	}
	st.Problems = append(st.Problems, hs.Problems...)
	sort.Slice(st.Refused, func(i, j int) bool {
		a, b := st.Refused[i], st.Refused[j]
		return a.Channel < b.Channel || a.Channel == b.Channel && a.Reason < b.Reason
	})
}

func (s *State) uptime() float64 {
	return float64(time.Since(s.started).Round(time.Millisecond)) / float64(time.Second)
}

// Info tells what the node is.
func (s *State) Info() Info {
	host, _ := os.Hostname()
	return Info{NodeID: s.ID(), DisplayName: s.cfg.Network.Name + " " + s.cfg.NodeType, Hostname: host, OS: runtime.GOOS, Version: Version,
		StartedAt: Stamp(s.started.Add(time.Duration(s.cfg.Clock.Offset))), UptimeSeconds: s.uptime(),
		Capabilities: s.capabilities()}
}

// capabilities are the store, and the programs that run, each with its role unless all nodes of its protocol have the same.
func (s *State) capabilities() []string {
	out := []string{"store"}
	for _, r := range s.Programs() {
		p := r.Instance().Program()
		if p.Role() == "peer" {
			out = append(out, p.Name())
		} else {
			out = append(out, p.Name()+":"+p.Role())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Peers tells of the connected and the known peers.
func (s *State) Peers() []PeerEntry {
	out := []PeerEntry{}
	h := s.Host()
	if h == nil {
		return out
	}
	for _, p := range h.Peers() {
		if p.Peer == s.ID() {
			continue
		}
		out = append(out, s.entry(p))
	}
	return out
}

func (s *State) entry(p p2p.PeerInfo) PeerEntry {
	e := PeerEntry{PeerID: p.Peer, Addresses: p.Addresses, State: p.State}
	if e.Addresses == nil {
		e.Addresses = []string{}
	}
	if !p.LastSeen.IsZero() {
		e.LastSeen = Stamp(p.LastSeen.Add(time.Duration(s.cfg.Clock.Offset)))
	}
	return e
}

// Registry tells of the registered peers: on the coordinator all of them, on a peer those that it has sampled.
func (s *State) Registry() []PeerEntry {
	s.mu.Lock()
	cohort := s.cohort
	s.mu.Unlock()
	out := []PeerEntry{}
	if cohort == nil {
		return out
	}
	seen := map[graph.Peer]string{}
	for _, p := range s.Peers() {
		seen[p.PeerID] = p.LastSeen
	}
	for _, e := range cohort() {
		e.LastSeen = seen[e.PeerID]
		out = append(out, e)
	}
	return out
}

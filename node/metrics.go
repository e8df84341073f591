package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/merograph/merograph/graph"
)

// Metrics is the node's registry of metrics. What the node tells of itself begins with merograph_; a part may register
// collectors of its own.
func (s *State) Metrics() *prometheus.Registry { return s.metrics }

func newMetrics(s *State) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	return r
}

// collectTime bounds the waiting for programs that are in the middle of a tick.
const collectTime = 2 * time.Second

// A collector reads the state when it is asked; nothing is counted twice or kept.
type collector struct{ s *State }

var _ prometheus.Collector = (*collector)(nil)

// A metric is a name with its labels.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("merograph_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("merograph_"+name+"_total", help, labels, nil), prometheus.CounterValue}
}

var (
	mInfo     = gauge("info", "What the node is.", "version", "node_id", "node_type", "network")
	mReady    = gauge("ready", "1 when the node is ready.")
	mProblems = gauge("problems", "Problems that status tells of.")

	mTicks       = counter("program_ticks", "Ticks that a program took.", "graph", "role")
	mActivations = gauge("program_activations", "Activations that are open.", "graph", "role")
	mInbox       = gauge("program_inbox_events", "Events that wait in the inbox.", "graph", "role")
	mInboxBytes  = gauge("program_inbox_bytes", "Bytes of messages that wait or are worked on.", "graph", "role")
	mLate        = counter("program_late_answers", "Answers that came when nobody waited.", "graph", "role")
	mRows        = gauge("program_table_rows", "Rows of a table.", "graph", "role", "table")
	mFired       = counter("program_step_fired", "Times that a step fired.", "graph", "role", "step", "op")
	mRetried     = counter("program_step_retried", "Attempts of a call beyond the first.", "graph", "role", "step", "op")
	mFailed      = counter("program_step_failed", "Failures of a step.", "graph", "role", "step", "op", "reason")
	mAdmission   = counter("program_refused", "What the admission of a program refused.", "graph", "role", "channel", "reason")

	mPeers    = gauge("transport_peers", "Peers that are connected.")
	mOpened   = counter("transport_streams_opened", "Streams that this node opened for channels.")
	mAccepted = counter("transport_streams_accepted", "Streams that others opened for channels.")
	mLinks    = gauge("transport_links", "Pairs of peer and channel that this node sends to.")
	mSent     = counter("transport_sent_bytes", "Bytes sent on streams.")
	mReceived = counter("transport_received_bytes", "Bytes received on streams.")
	mQueued   = gauge("transport_queued_bytes", "Bytes that wait to be written.")
	mRefused  = counter("transport_refused", "What the transport refused, before a program's admission.", "channel", "reason")

	mRegistered = gauge("registry_members", "Members of the network that this node knows.")
	mRecords    = gauge("log_records", "Records in the log.")
	mLogBytes   = gauge("log_bytes", "Bytes of the log.")
	mDeltas     = gauge("context_deltas", "Deltas of a context.", "context")
	mLogRefused = counter("log_refused", "Deltas that were refused.", "reason")
	mEntries    = gauge("store_entries", "Entries of the store.")
	mBlobs      = gauge("blobs", "Blobs that are held.")
	mBlobBytes  = gauge("blob_bytes", "Bytes of the blobs that are held.")
)

// Describe implements prometheus.Collector: what there is to tell depends on the programs, so nothing is promised.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	tell := func(m metric, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, v, labels...)
	}
	s := c.s
	st := s.read()
	tell(mInfo, 1, Version, string(st.NodeID), s.cfg.NodeType, s.cfg.Network.Name)
	ready := 0.0
	if st.Ready {
		ready = 1
	}
	tell(mReady, ready)
	tell(mProblems, float64(len(st.Problems)))
	tell(mRecords, float64(st.Log.Records))
	tell(mLogBytes, float64(st.Log.Bytes))
	tell(mEntries, float64(st.Store.Entries))
	tell(mBlobs, float64(st.Blobs.Count))
	tell(mBlobBytes, float64(st.Blobs.Bytes))
	for _, x := range st.Contexts {
		tell(mDeltas, float64(x.Deltas), x.ID)
	}
	for _, r := range st.refused {
		tell(mLogRefused, float64(r.Count), string(r.Reason))
	}
	if st.transport == nil {
		return
	}
	transport(tell, &st)
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	for _, g := range s.Protocols() {
		if d, err := s.Live(ctx, g.Name(), ""); err == nil {
			programs(tell, d)
		}
	}
}

type teller func(m metric, v float64, labels ...string)

func transport(tell teller, st *reading) {
	h := st.transport
	tell(mPeers, float64(st.Transport.Peers))
	tell(mRegistered, float64(st.Discovery.Known))
	tell(mOpened, float64(h.StreamsOpened))
	tell(mAccepted, float64(h.StreamsAccepted))
	tell(mLinks, float64(h.Links))
	tell(mSent, float64(h.BytesSentStreams))
	tell(mReceived, float64(h.BytesReceivedStreams))
	tell(mQueued, float64(h.QueuedBytes))
	for _, r := range h.Own {
		tell(mRefused, float64(r.Count), r.Channel, r.Reason)
	}
}

// programs tells of the roles of a protocol that run here.
func programs(tell teller, d graph.Description) {
	for _, r := range d.Roles {
		l := r.Live
		if l == nil {
			continue
		}
		tell(mTicks, float64(l.Ticks), d.Name, r.Name)
		tell(mActivations, float64(l.Activations), d.Name, r.Name)
		tell(mInbox, float64(l.Waiting), d.Name, r.Name)
		tell(mInboxBytes, float64(l.Bytes), d.Name, r.Name)
		tell(mLate, float64(l.Late), d.Name, r.Name)
		for _, t := range r.Tables {
			tell(mRows, float64(*t.Rows), d.Name, r.Name, t.Name)
		}
		for _, s := range r.Steps {
			step, op := fmt.Sprint(s.Index), strings.TrimSpace(s.Op+" "+s.Note)
			tell(mFired, float64(s.Live.Fired), d.Name, r.Name, step, op)
			if s.Live.Retried > 0 {
				tell(mRetried, float64(s.Live.Retried), d.Name, r.Name, step, op)
			}
			for _, f := range s.Live.Failed {
				tell(mFailed, float64(f.Count), d.Name, r.Name, step, op, f.Reason)
			}
		}
		for _, ch := range d.Channels {
			for _, f := range ch.Refused {
				if ch.To == r.Name {
					tell(mAdmission, float64(f.Count), d.Name, r.Name, ch.Name, f.Reason)
				}
			}
		}
	}
}

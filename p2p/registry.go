package p2p

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// maxKey is the greatest size of an instance key, in bytes.
const maxKey = 256

// An endpoint is a channel as this host knows it: what it means, and which instances here take part.
type endpoint struct {
	id      protocol.ID
	info    graph.ChannelInfo // with In and Out of whichever instance came first: not read
	users   int               // instances here
	callees map[string]*Running
}

// register takes an instance into the books, all of it or nothing.
func (h *Host) register(r *Running) error {
	key := r.in.Key()
	if len(key) > maxKey {
		return fmt.Errorf("an instance key of %d bytes: the bound is %d", len(key), maxKey)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	for o := range h.running {
		if o.prog.Name() == r.prog.Name() && o.prog.Version() == r.prog.Version() && o.prog.Role() == r.prog.Role() && o.in.Key() == key {
			return fmt.Errorf("it runs already with key %q: stop that one, or give graph.Key", key)
		}
	}
	channels := r.prog.Channels()
	for _, c := range channels {
		if e := h.endpoints[protocolOf(r, c)]; e != nil && e.info.Fingerprint != c.Fingerprint {
			return fmt.Errorf("channel %s has fingerprint %016x, another instance here has %016x: run one version of it", e.id, c.Fingerprint, e.info.Fingerprint)
		}
		if most := h.limits.TopicMessage - topicOverhead; c.Kind == graph.TopicKind && c.MaxRequest > most {
			return fmt.Errorf("topic %s may be %d bytes, this host carries %d: lower graph.MaxRequest, or raise Limits.TopicMessage", c.Name, c.MaxRequest, most)
		}
	}
	for i, c := range channels {
		if c.Kind == graph.TopicKind {
			if err := h.joinTopic(r, c); err != nil {
				for _, d := range channels[:i] {
					h.leaveTopic(r, d)
				}
				return fmt.Errorf("topic %s: %w", c.Name, err)
			}
		}
	}
	for _, c := range channels {
		h.addEndpoint(r, c)
	}
	h.running[r] = true
	return nil
}

func protocolOf(r *Running, c graph.ChannelInfo) protocol.ID {
	return protocol.ID(c.ID(r.prog.Name(), r.prog.Version()))
}

func (h *Host) addEndpoint(r *Running, c graph.ChannelInfo) {
	id := protocolOf(r, c)
	e := h.endpoints[id]
	if e == nil {
		e = &endpoint{id: id, info: c, callees: map[string]*Running{}}
		h.endpoints[id] = e
	}
	e.users++
	h.portions.allot(id, &c)
	r.channels[c.Name] = e
	if !c.In {
		return
	}
	e.callees[r.in.Key()] = r
	if len(e.callees) == 1 && c.Kind != graph.TopicKind {
		h.host.SetStreamHandler(id, func(s network.Stream) { h.accept(e, s) })
	}
}

// unregister ends the way of messages to and from an instance; it stays among the running until forget.
func (h *Host) unregister(r *Running) {
	h.mu.Lock()
	for _, c := range r.prog.Channels() {
		if c.Kind == graph.TopicKind {
			h.leaveTopic(r, c)
		}
		e := h.endpoints[protocolOf(r, c)]
		if e.callees[r.in.Key()] == r && c.In {
			delete(e.callees, r.in.Key())
			if len(e.callees) == 0 && c.Kind != graph.TopicKind {
				h.host.RemoveStreamHandler(e.id)
			}
		}
		if e.users--; e.users == 0 {
			delete(h.endpoints, e.id)
		}
	}
	links := make([]*link, 0, len(h.links))
	for _, l := range h.links {
		links = append(links, l)
	}
	h.mu.Unlock()
	for _, l := range links {
		l.drop(r)
	}
}

// forget ends the stay of an instance among the running; its counts stay in those of the host.
func (h *Host) forget(r *Running) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, r)
	h.count.end(r.in)
}

// callee gives the instance that a message with a key is for, and whether there is any on the channel. A stream may be
// older than the instances, so they are looked up by what the channel means.
func (h *Host) callee(e *endpoint, key string) (r *Running, any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.endpoints[e.id]
	if now == nil || now.info.Fingerprint != e.info.Fingerprint {
		return nil, false
	}
	return now.callees[key], len(now.callees) > 0
}

func (h *Host) callees(e *endpoint) []*Running {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Running
	if now := h.endpoints[e.id]; now != nil {
		for _, r := range now.callees {
			all = append(all, r)
		}
	}
	return all
}

// without removes one element of a list that is not shared.
func without[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(list, func(o T) bool { return o == v })
}

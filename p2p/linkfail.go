package p2p

import (
	"errors"
	"io"
	"sort"
	"strings"

	"github.com/merograph/merograph/graph"
)

// broke ends the link because its stream ended.
func (l *link) broke(err error) {
	switch {
	case strings.Contains(err.Error(), "protocols not supported"): // the lazy negotiation of a stream: nothing was read there
		l.fail(graph.Unreachable, "it does not take part in "+string(l.e.id))
	case errors.Is(err, io.EOF):
		l.fail(graph.Lost, "it ended the stream")
	default:
		l.fail(graph.Lost, "the connection broke: "+err.Error())
	}
}

// fail ends the link: calls that were written get the reason, those that were not are unreachable, and one-way messages
// that were not are counted. The stream is reset before a new link can begin, so that nothing overtakes.
func (l *link) fail(reason graph.Reason, detail string) {
	l.mu.Lock()
	if l.failed {
		l.mu.Unlock()
		return
	}
	l.failed = true
	s, calls := l.s, l.calls
	l.calls, l.ids = map[uint64]*sentCall{}, map[callOf]uint64{}
	l.mu.Unlock()
	if s != nil {
		s.Reset()
	}
	left := l.out.close()
	l.h.mu.Lock()
	if l.h.links[l.key] == l {
		delete(l.h.links, l.key)
	}
	l.h.mu.Unlock()
	for _, w := range left {
		if w.kind == graph.OneWayMsg {
			l.h.count.refuse(l.e.info.Name, refusedUnsent)
		}
	}
	ids := make([]uint64, 0, len(calls))
	for id := range calls {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	for _, id := range ids {
		c, m := calls[id], &graph.Message{Kind: graph.ErrorMsg, Reason: reason, Detail: detail}
		if !c.written && reason == graph.Lost {
			m.Reason = graph.Unreachable
		}
		l.answer(c, m)
	}
}

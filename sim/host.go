package sim

import (
	"context"
	"time"

	"github.com/merograph/merograph/graph"
)

// host is what one incarnation of a node sees of the world. What an instance of an earlier one asks is dropped.
type host struct {
	n    *Node
	life uint32
}

func (h *host) Self() graph.Peer { return h.n.id }
func (h *host) Now() graph.Time  { return h.n.Now() }
func (h *host) Wall() time.Time  { return h.n.Wall() }
func (h *host) Uint64() uint64   { return h.n.draw(siteRand) }

// Wake plans the node's next turn: now, or when it has finished what it is at.
func (h *host) Wake() {
	if n := h.n; h.life == n.life && n.inst != nil {
		n.queued++
		n.w.wantTurn(n, max(n.w.now, n.busyUntil))
	}
}

// Send takes a message that a tick has committed; it leaves when the node has finished the event.
func (h *host) Send(m graph.Message) {
	if h.life != h.n.life {
		return
	}
	w, dep := h.n.w, max(h.n.w.now, h.n.busyUntil)
	switch m.Kind {
	case graph.TopicMsg:
		w.publish(h.n, m, dep)
		return
	case graph.VerdictMsg:
		w.verdict(h.n, &m, dep)
		return
	}
	if m.Remaining > 0 {
		m.Remaining = max(1, m.Remaining-h.n.steady(dep).Sub(h.n.Now()))
	}
	w.earlyTimeout(h.n, &m)
	w.send(h.n, m, dep)
}

// task is work of a node that is not complete.
type task struct {
	t    *graph.Task
	life uint32
}

// Work has the task take its time, beside the node's events and other tasks.
func (h *host) Work(t *graph.Task) {
	w, n := h.n.w, h.n
	took := workLeast + time.Duration(below(n.draw(siteWork), uint64(workMost-workLeast)))
	if w.now < n.slowUntil {
		took *= time.Duration(n.slow)
	}
	w.queue.push(max(w.now, n.busyUntil).Add(took), doWork, n.index, w.tasks.put(task{t, h.life}))
}

// workLeast and workMost bound what a task takes: those of an fdatasync.
const (
	workLeast = 100 * time.Microsecond
	workMost  = 3 * time.Millisecond
)

// complete runs a task at the end of its time: a node that crashes before has not done it at all.
func (w *World) complete(n *Node, ref int32) {
	t := w.tasks.take(ref)
	if t.life != n.life || n.inst == nil {
		w.count(lostTasks)
		return
	}
	ctx := context.Background()
	if t.t.Deadline != 0 {
		if _, early := w.early(n, t.t.Name); early || t.t.Deadline <= n.Now() {
			ctx = tooLate{ctx}
		}
	}
	t.t.Run(ctx)
	t.t.Done()
}

// tooLate is the context of a task whose deadline has passed, or has come early.
type tooLate struct{ context.Context }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (tooLate) Done() <-chan struct{} { return closed }
func (tooLate) Err() error            { return context.DeadlineExceeded }

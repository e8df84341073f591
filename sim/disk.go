package sim

import (
	"time"

	"github.com/merograph/merograph/graph"
)

// A Disk is the disk of a node, as its faults see it: the scenario implements it over what it keeps in Node.Kept. The node is down
// when Crash, Kill, Rot and Put are called, and starts again after them.
type Disk interface {
	// Crash cuts the power. What was synced stays. Of the rest the disk may keep any part in any order: it asks draw for each, and
	// a draw of 0 is lost.
	Crash(draw func() uint64)
	// Kill ends the program alone: everything that it wrote is seen by the next, and what was not synced is lost at the next Crash.
	Kill()
	// Stop ends the program in order, before Kill: the copy that is made then is one of a home that nobody has open.
	Stop()
	// FailSync lets the n-th sync from now fail, and those after it, until the next Crash or Kill; 0 is none.
	FailSync(n int)
	// Full lets everything that takes space fail, or no more.
	Full(full bool)
	// Rot changes some of what was synced, at a place that is drawn.
	Rot(at uint64)
	// Copy gives a copy of all that the disk holds now.
	Copy() any
	// Put gives the disk what a copy held, and loses what it held itself.
	Put(copied any, as Putting)
}

// A Putting says how a copy came to where it is.
type Putting uint8

// The ways of putting a copy.
const (
	PutFiles Putting = iota // the files of the same home, over those that were there
	PutImage                // the whole disk of the same home, so that nothing on it tells
	PutClone                // a home that was copied, this one's or another's
)

// A mishap is a kind of fault that befalls one node's disk, in slots of time, so that each can be taken out of a run by itself.
type mishap uint8

const (
	diskGoesWrong mishap = iota
	backupIsPut
	cloneStarts
	mishaps
)

var mishapSites = [mishaps]site{siteDisk, siteBackup, siteClone}

// span is how long a slot of a mishap is; 0 when it is off.
func (w *World) span(m mishap) time.Duration {
	return [mishaps]time.Duration{w.plan.Disk, w.plan.Backup, w.plan.Clone}[m]
}

// What an entry of a disk is for: ref is the number of the slot, times the kinds, times the steps.
const (
	diskBegin int32 = iota
	diskEnd
	diskSteps
)

func diskRef(m mishap, k, step int32) int32 { return (k*int32(mishaps)+int32(m))*diskSteps + step }

// planDisks plans the first slots of what befalls disks.
func (w *World) planDisks() {
	if w.scenario.Disk == nil {
		return
	}
	for _, n := range w.nodes {
		for m := range mishaps {
			if n.outlaw == nil && w.span(m) > 0 {
				w.planMishap(m, n, 0)
			}
		}
	}
}

// planMishap plans the slot of a mishap.
func (w *World) planMishap(m mishap, n *Node, k int32) {
	span := w.span(m)
	d := w.choose(mishapSites[m], int64(n.index), uint64(k))
	at := (graph.Time(k) * graph.Time(span)).Add(time.Millisecond + time.Duration(below(d.v, uint64(span))))
	if at < w.lastMishap() {
		w.queue.push(at, doDisk, n.index, diskRef(m, k, diskBegin))
	}
}

// lastMishap is when the last disk is sound again, so that its node starts before faults end.
func (w *World) lastMishap() graph.Time { return w.heal - 2 }

func (w *World) diskStep(n *Node, ref int32) {
	step, m, k := ref%diskSteps, mishap(ref/diskSteps%int32(mishaps)), ref/diskSteps/int32(mishaps)
	d := w.choose(mishapSites[m], int64(n.index), uint64(k))
	disk := w.scenario.Disk(n)
	switch {
	case step == diskEnd && m == diskGoesWrong:
		if n.ails == k { // or a fault of the next slot has come over it
			disk.Full(false)
			disk.FailSync(0)
		}
	case step == diskEnd:
		w.putBack(n, d)
	default:
		if d.v != 0 && disk != nil && n.Up() {
			w.befalls(m, n, disk, d)
		}
		w.planMishap(m, n, k+1)
	}
}

func (w *World) befalls(m mishap, n *Node, disk Disk, d drawn) {
	switch m {
	case diskGoesWrong:
		w.diskFails(n, disk, d)
	case backupIsPut:
		w.backUp(n, disk, d)
	case cloneStarts:
		w.clone(n, disk, d)
	}
}

// happens counts a fault of a disk, writes it down and tells it.
func (w *World) happens(h happening, n *Node, d drawn, format string, args ...any) {
	w.count(h)
	w.trace.add(uint64(n.index)<<8 | uint64(h))
	w.wrong(d, "%s "+format, append([]any{n.id}, args...)...)
	w.on(n, "disk", "%s "+format, append([]any{n.id}, args...)...)
}

// diskFails lets one of the things happen that disks do.
func (w *World) diskFails(n *Node, disk Disk, d drawn) {
	form, v := below(mix(d.v), 5), mix(mix(d.v))
	n.ails = int32(d.count)
	until := min(w.now.Add(time.Millisecond+time.Duration(below(v, uint64(w.plan.Disk/2)))), w.lastMishap())
	end := func() { w.queue.push(until, doDisk, n.index, diskRef(diskGoesWrong, int32(d.count), diskEnd)) }
	switch form {
	case 0, 1:
		k := 1 + int(v%6)
		w.happens(diskFaults, n, d, "fails from the sync after %d others", k-1)
		disk.FailSync(k)
		end()
	case 2:
		w.happens(diskFaults, n, d, "has a full disk for %v", brief(until.Sub(w.now)))
		disk.Full(true)
		end()
	case 3:
		n.slow, n.slowUntil = 2<<(v%8), until
		w.happens(diskFaults, n, d, "has a disk that is %d times slower, for %v", n.slow, brief(until.Sub(w.now)))
	case 4:
		w.happens(diskFaults, n, d, "crashes, and its disk rots")
		w.crash(n, w.downFor(v))
		disk.Rot(v)
	}
}

// downFor is how long a node is down that its disk has stopped.
func (w *World) downFor(v uint64) time.Duration {
	return time.Millisecond + time.Duration(below(mix(v), uint64(min(10*time.Second, time.Duration(w.heal)/8))))
}

// copied is a copy of a disk that waits to be put back.
type copied struct {
	image any
	cold  bool
}

var how = map[bool]string{true: "after a clean stop", false: "while it runs"}

// backUp copies the disk of a node, in one of two while nobody has it open, and plans when the copy is put back.
func (w *World) backUp(n *Node, disk Disk, d drawn) {
	at := w.now.Add(time.Second + time.Duration(below(mix(d.v), uint64(w.plan.Backup))))
	if at >= w.lastMishap() {
		return
	}
	c := copied{cold: d.v&1 == 1}
	w.wrong(d, "%s is copied, %s, to be put back at %.3f s", n.id, how[c.cold], float64(at)/1e9)
	w.on(n, "disk", "%s is copied, %s", n.id, how[c.cold])
	if c.cold {
		disk.Stop()
		c.image = disk.Copy()
		w.leave(n, w.downFor(d.v))
	} else {
		c.image = disk.Copy()
	}
	if n.copies == nil {
		n.copies = map[uint64]copied{}
	}
	n.copies[d.count] = c
	w.queue.push(at, doDisk, n.index, diskRef(backupIsPut, int32(d.count), diskEnd))
}

// putBack starts a node from a copy that was made earlier in the slot.
func (w *World) putBack(n *Node, d drawn) {
	c := n.copies[d.count]
	delete(n.copies, d.count)
	if !n.Up() {
		w.on(n, "disk", "%s is down when its copy is to be put back", n.id)
		return
	}
	as := PutFiles
	if d.v&2 == 2 {
		as = PutImage
	}
	w.count(putBack)
	w.trace.add(uint64(n.index)<<8 | uint64(as))
	w.on(n, "disk", "%s is put back to the copy, %s", n.id, [...]string{"by its files", "by the image of its disk"}[as])
	w.crash(n, w.downFor(mix(d.v)))
	w.scenario.Disk(n).Put(c.image, as)
}

// clone starts a node from a copied home: its own, moved, or another's, which goes on beside it.
func (w *World) clone(n *Node, disk Disk, d drawn) {
	from := n
	if others := uint64(len(w.nodes)); d.v&1 == 1 {
		from = w.nodes[below(mix(d.v), others)]
	}
	if from.outlaw != nil || w.scenario.Disk(from) == nil {
		return
	}
	w.happens(clonedHomes, n, d, "starts from a copy of the home of %s", from.id)
	end := w.crash
	if from == n && d.v&2 == 2 {
		disk.Stop()
		end = w.leave
	}
	image := w.scenario.Disk(from).Copy()
	end(n, w.downFor(d.v))
	disk.Put(image, PutClone)
}

// ending is how the program of a node ends.
type ending uint8

const (
	killed ending = iota // what it wrote is seen by the next
	loses                // the power fails, and all that was not synced is lost
	keeps                // the power fails, and the disk keeps some of that
)

// ends draws how the program of a node ends, and stops it in order when that is how.
func (w *World) ends(n *Node) (ending, drawn) {
	disk := w.diskOf(n)
	switch {
	case n.leaving:
		return killed, drawn{}
	case disk == nil || w.plan.Disk == 0:
		return loses, drawn{}
	}
	d := n.choose(sitePower)
	switch below(d.v, 5) {
	case 0:
		return loses, d
	case 3:
		w.wrong(d, "%s is killed, and what it wrote is seen by the next", n.id)
		return killed, d
	case 4:
		w.wrong(d, "%s stops in order", n.id)
		disk.Stop()
		return killed, d
	default:
		w.wrong(d, "%s keeps some of what it had not synced", n.id)
		return keeps, d
	}
}

// powerFails is what the end of a program does to the disk of its node.
func (w *World) powerFails(n *Node, end ending, d drawn) {
	disk := w.diskOf(n)
	switch {
	case disk == nil:
	case end == killed:
		disk.Kill()
	case end == loses:
		disk.Crash(func() uint64 { return 0 })
	default:
		v := d.v
		disk.Crash(func() uint64 { v = mix(v); return v * (v >> 63) })
	}
}

// diskOf is the disk of a node, or nil.
func (w *World) diskOf(n *Node) Disk {
	if w.scenario.Disk == nil || n.outlaw != nil {
		return nil
	}
	return w.scenario.Disk(n)
}

// leave takes a node down that has stopped in order.
func (w *World) leave(n *Node, down time.Duration) {
	n.leaving = true
	w.crash(n, down)
	n.leaving = false
}

// Quit ends the program of a node soon, as one does whose disk has failed, and somebody starts it again within twelve seconds: it is a
// crash to its disk. The call may come from anywhere in the node's own code.
func (n *Node) Quit() {
	n.w.queue.push(n.w.now.Add(time.Millisecond), doQuit, n.index, int32(n.life))
}

func (w *World) quit(n *Node, life int32) {
	if n.Up() && int32(n.life) == life {
		w.on(n, "gives up", "%s gives up", n.id)
		w.crash(n, time.Second+w.downFor(n.draw(siteAgain)))
	}
}

package simnode

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/sim"
)

// home is what a node keeps: a disk, the key on it, and what a check needs to know about it.
type home struct {
	mem     memory
	signer  dag.Signer
	held    map[dag.ID]bool   // synced here
	ends    map[dag.ID]uint64 // of the chains that it wrote, the last seq that is synced here
	begun   bool
	rotten  bool            // something rotted
	rotting map[dag.ID]bool // what was held when something rotted that no opening has looked at
	stopped bool            // by a clean stop, and not opened since
	moved   bool            // copied or put back, and not opened since
}

// memory is a disk whose program can be killed: its lock is then free, and all that was written is still seen.
type memory struct {
	*dag.MemDisk
	lock io.Closer
}

// Lock implements dag.Disk.
func (d *memory) Lock() (c io.Closer, err error) {
	c, err = d.MemDisk.Lock()
	if err == nil {
		d.lock = c
	}
	return c, err
}

var (
	_ sim.Disk = (*member)(nil)

	errBroken = errors.New("the disk is broken")
	errFull   = errors.New("no space left on the disk")
)

// never is a sync that does not come.
const never = 1 << 40

// Crash implements sim.Disk: a sector is lost, whole, or torn.
func (m *member) Crash(draw func() uint64) {
	m.mem.CrashKeep(func(string, int64) int {
		switch v := draw(); {
		case v == 0:
			return 0
		case v>>1&3 == 0:
			return int(v >> 3 % dag.Sector)
		default:
			return dag.Sector
		}
	})
}

// Kill implements sim.Disk.
func (m *member) Kill() {
	m.FailSync(0)
	if m.mem.lock != nil {
		_ = m.mem.lock.Close() // a lock of memory
	}
}

// Stop implements sim.Disk.
func (m *member) Stop() {
	if m.journal != nil {
		m.stopped = true
		if err := m.journal.Close(); err != nil {
			m.fails("close", err)
		}
	}
}

// FailSync implements sim.Disk.
func (m *member) FailSync(n int) {
	if n == 0 {
		n = never
	}
	m.mem.FailSync(n, errBroken)
}

// Full implements sim.Disk.
func (m *member) Full(full bool) {
	if m.full = full; full {
		m.mem.Full(errFull)
	} else {
		m.mem.Full(nil)
	}
}

// Rot implements sim.Disk: one bit of a file is another, half of the time near the end of it.
func (m *member) Rot(at uint64) {
	names, err := m.mem.List()
	if err != nil || len(names) == 0 {
		return
	}
	name := names[at>>40%uint64(len(names))]
	f, err := m.mem.Open(name)
	if err != nil {
		return
	}
	if size, err := f.Written(); err == nil && size > 0 {
		m.rotten, m.rotting = true, maps.Clone(m.held)
		place := at >> 8 % uint64(size)
		if at>>3&1 == 1 {
			place = uint64(size) - 1 - place%min(uint64(size), 16<<(at>>4&7))
		}
		m.mem.Corrupt(name, int64(place), 1<<(at%8))
	}
}

// Copy implements sim.Disk.
func (m *member) Copy() any {
	h := m.home
	h.mem, h.held, h.ends, h.rotting = memory{MemDisk: m.mem.Backup()}, maps.Clone(m.held), maps.Clone(m.ends), maps.Clone(m.rotting)
	return h
}

// Put implements sim.Disk.
func (m *member) Put(copied any, as sim.Putting) {
	from, was := copied.(home), m.home
	m.home = from
	m.held, m.ends, m.rotting, m.moved = maps.Clone(from.held), maps.Clone(from.ends), maps.Clone(from.rotting), as != sim.PutImage
	switch as {
	case sim.PutFiles:
		m.mem, m.rotten = was.mem, from.rotten || was.rotten
		m.mem.PutBack(from.mem.MemDisk)
	case sim.PutImage:
		m.mem = memory{MemDisk: from.mem.Backup()}
		if from.stopped {
			shared(m.n.World()).rollBack(from.ends)
		}
	case sim.PutClone:
		m.mem = memory{MemDisk: from.mem.Clone()}
	default:
		panic(fmt.Sprintf("simnode: no way %d of putting a copy", as))
	}
	var gone []dag.ID
	for _, id := range sorted(was.held) {
		if !m.held[id] {
			gone = append(gone, id)
		}
	}
	m.lose(gone)
	m.Full(m.full)
}

package dag

import (
	"errors"
	"maps"
	"os"
)

// event is something that happens to a home.
type event int

const (
	eventWrite event = iota
	eventBatch
	eventFlush
	eventPull
	eventRestart
	eventCrash
	eventSave
	// From here each seed has about half of them.
	eventFailSync
	eventFailWrite
	eventFull
	eventRot
	eventSetBack
	eventPutBack
	eventClone
	eventTornCrash
	kindsOfEvent

	faultsFrom = int(eventFailSync)
)

func (c *campaign) do(k event, h *lived) {
	if os.Getenv("DAG_SEED") != "" {
		c.t.Logf("event %d on %s, log to %d", k, h.name, h.j.w.end)
	}
	switch k {
	case eventWrite:
		c.write(h)
		c.flush(h)
	case eventBatch:
		for range c.rnd.IntN(8) {
			c.write(h)
		}
	case eventFlush:
		c.flush(h)
	case eventPull:
		c.flush(h)
		c.pull(h, c.homes[c.rnd.IntN(len(c.homes))])
	case eventRestart:
		c.flush(h)
		closeJ(c, h.j)
		c.reopen(h)
	case eventCrash:
		c.crash(h, func() int { return 0 })
	case eventTornCrash:
		whole := c.rnd.IntN(3)
		c.crash(h, func() int {
			switch c.rnd.IntN(3 + whole) {
			case 0:
				return 0
			case 1:
				return c.rnd.IntN(Sector)
			default:
				return Sector
			}
		})
	case eventSave:
		atRest := c.rnd.IntN(2) == 0
		if atRest {
			c.flush(h)
			closeJ(c, h.j)
		}
		h.saved = append(h.saved, image{h.disk.Backup(), h.index.clone(), maps.Clone(h.acked)})
		if atRest {
			c.reopen(h)
		}
	case eventFailSync, eventFailWrite, eventFull:
		c.fault(k, h)
	case eventRot:
		c.rot(h)
		if c.mend.IntN(2) == 0 {
			c.accept(h)
		}
	case eventSetBack, eventPutBack:
		c.setBack(h, k == eventPutBack)
	case eventClone:
		c.clone(h)
	}
}

// crash cuts the power.
func (c *campaign) crash(h *lived, reached func() int) {
	h.disk.CrashKeep(func(string, int64) int { return reached() })
	c.probe("crash", true)
	c.reopen(h)
}

// fault lets a write, a sync or an allocation fail while something is written: whoever waited is told that the outcome is
// unknown, and the journal is opened again, at once or after a crash.
func (c *campaign) fault(k event, h *lived) {
	h.pend = nil
	most := 3 * Sector
	if c.big {
		most = MaxPayload
	}
	switch n := 1 + c.rnd.IntN(2); k {
	case eventFailSync:
		h.disk.FailSync(n, errBroken)
	case eventFailWrite:
		h.disk.FailWrite(n, errBroken)
	default:
		h.disk.Full(errBroken)
	}
	var failed error
	for range 3 {
		for range 1 + c.rnd.IntN(12) {
			p, err := h.j.Write(c.ctx, h.signer, Edit{Kind: KindData, Payload: make([]byte, c.rnd.IntN(most))})
			if p != nil {
				c.made[p.Entry().ID] = true
				h.pend = append(h.pend, p)
			}
			if err != nil && !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrNotWritten) && !errors.Is(err, ErrNotMember) && !errors.Is(err, ErrNoGenesis) {
				c.Fatalf("%s: %v", h.name, err)
			}
			if err != nil {
				failed = err
				break
			}
		}
		if failed == nil {
			failed = c.flush(h)
		}
		if failed != nil {
			break
		}
	}
	var absent []ID
	for _, p := range h.pend {
		if _, err := p.Wait(); errors.Is(err, ErrNotWritten) {
			absent = append(absent, p.Entry().ID)
			c.probe("not written", true)
		}
	}
	defer func() {
		for _, id := range absent {
			if h.j.Has(id) {
				c.Fatalf("%s said that %v was not written, and has it", h.name, id)
			}
		}
	}()
	if errors.Is(failed, ErrUnknownOutcome) || errors.Is(failed, ErrNotWritten) {
		if !errors.Is(failed, errBroken) {
			c.Fatalf("%s: the cause is not named: %v", h.name, failed)
		}
		c.probe(map[event]string{eventFailSync: "failed sync", eventFailWrite: "failed write", eventFull: "full disk"}[k], true)
	}
	if c.rnd.IntN(2) == 0 {
		c.crash(h, func() int { return c.rnd.IntN(2) * Sector })
		return
	}
	h.j.Close() // it may fail: nothing more is promised
	h.disk.FailSync(1<<30, nil)
	h.disk.FailWrite(1<<30, nil)
	h.disk.Full(nil)
	c.reopen(h)
}

// rot flips a bit somewhere in what the log's files have, and starts again.
func (c *campaign) rot(h *lived) {
	c.flush(h)
	closeJ(c, h.j)
	names := h.disk.names()
	name := names[c.rnd.IntN(len(names))]
	size := len(h.disk.files[name].now)
	at := c.rnd.IntN(size)
	if c.rnd.IntN(2) == 0 { // nearer to the end
		at = size - 1 - c.rnd.IntN(min(size, 2000))
	}
	h.disk.Corrupt(name, int64(at), 1<<c.rnd.IntN(8))
	h.rotten, h.mended = true, false
	c.reopen(h)
}

// accept gets what is missing from the other homes, accepts what damage there is when nothing stands on it, and starts again: it is
// named no more. What rots later, beside it too, is named.
func (c *campaign) accept(h *lived) {
	for _, from := range c.homes {
		c.pull(h, from)
	}
	closeJ(c, h.j)
	known := must(VerifyLog(h.disk, h.index.mark)).Damage
	_, err := RepairLog(h.disk, Repair{Options: c.w.options(), Mark: h.index.mark, Accept: true})
	c.probe("not accepted", errors.Is(err, ErrMissing))
	switch {
	case err != nil && !errors.Is(err, ErrMissing):
		c.Fatalf("%s cannot be repaired: %v", h.name, err)
	case err == nil:
		if in := must(VerifyLog(h.disk, h.index.mark)); len(in.Damage) > 0 {
			c.Fatalf("%s names what was accepted: %+v", h.name, in.Recovery)
		}
		c.probe("accepted", len(known) > 0)
		if h.mended = true; len(known) > 0 && c.mend.IntN(2) == 0 {
			d := known[c.mend.IntN(len(known))]
			h.disk.Corrupt(segmentName(int64(d.Segment)), d.Offset+d.Size+c.mend.Int64N(2*groupHead), 1<<c.mend.IntN(8))
			h.mended = false
		}
	}
	c.reopen(h)
}

// setBack starts from an earlier image: of the whole disk, with its stamp, or put back file by file, which is noticed. The index
// may be of then or of now.
func (c *campaign) setBack(h *lived, inPlace bool) {
	if len(h.saved) == 0 {
		return
	}
	c.flush(h)
	closeJ(c, h.j)
	n := c.rnd.IntN(len(h.saved))
	im := h.saved[n]
	h.saved = h.saved[:n+1]
	h.acked, h.mended = maps.Clone(im.acked), false
	if inPlace {
		h.disk.PutBack(im.disk)
		c.probe("put back", true)
	} else {
		h.disk = im.disk.Backup()
		h.disk.Crash()
		c.forks = true
		c.probe("restored", true)
	}
	if h.ahead = c.rnd.IntN(2) == 0; !h.ahead {
		h.index = im.index.clone()
	}
	c.reopen(h)
}

// clone starts a second node on a copy of a home that runs.
func (c *campaign) clone(h *lived) {
	if len(c.homes) == 4 {
		return
	}
	twin := &lived{name: h.name + "'s copy", signer: h.signer, disk: h.disk.Clone(), index: h.index.clone(), acked: maps.Clone(h.acked), rotten: h.rotten}
	if n := len(h.saved); n > 0 && c.rnd.IntN(2) == 0 { // the copy took its time: some files are older than others
		old := h.saved[n-1].disk.Backup()
		for _, name := range twin.disk.names() {
			if f := old.files[name]; f != nil && c.rnd.IntN(2) == 0 {
				twin.disk.files[name] = f
			}
		}
		twin.acked, twin.rotten = map[ID]bool{}, true
		c.probe("copied in parts", true)
	}
	for _, p := range h.pend { // what nobody waited for may be in the copy or not
		c.made[p.Entry().ID] = true
	}
	c.homes = append(c.homes, twin)
	c.probe("cloned", true)
	c.reopen(twin)
	c.write(twin)
	c.flush(twin)
}

package dag

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// mendedName is the small file that keeps the places of a log that are damaged for good, and whose loss somebody accepted: what
// stood there is held again, or given up. A start names them no more.
const mendedName = "log.mended"

// A spot is a piece of damage, by all that tells it from another: what rots beside a bad stretch makes it longer, or gives it
// another reason, and so another spot. A log that ends too early is the spot of the group that was synced there, since its own end moves.
type spot struct {
	segment      int
	offset, size int64
	crc          uint32 // of that group's head, else 0
	reason       string
}

func (w *wal) spotOf(d Damage) spot {
	if p := d.proof; p != (Mark{}) {
		return spot{int(p.Start / w.length), p.Start % w.length, p.End - p.Start, p.CRC, d.Reason}
	}
	return spot{d.Segment, d.Offset, d.Size, 0, d.Reason}
}

func encodeMended(log logID, spots []spot) []byte {
	b := fmt.Appendf(nil, "merograph mended %s\n", hex.EncodeToString(log[:]))
	for _, s := range spots {
		b = fmt.Appendf(b, "%d %d %d %08x %q\n", s.segment, s.offset, s.size, s.crc, s.reason)
	}
	return fmt.Appendf(b, "%08x\n", sum(log, 0, b))
}

// decodeMended reads what encodeMended gave for this log; anything else names nothing.
func decodeMended(log logID, b []byte) (spots []spot) {
	body := b[:max(len(b)-9, 0)]
	head, rest, found := bytes.Cut(body, []byte("\n"))
	if !found || string(head) != "merograph mended "+hex.EncodeToString(log[:]) || string(b[len(body):]) != fmt.Sprintf("%08x\n", sum(log, 0, body)) {
		return nil
	}
	for line := range bytes.Lines(rest) {
		var s spot
		if _, err := fmt.Sscanf(string(line), "%d %d %d %x %q\n", &s.segment, &s.offset, &s.size, &s.crc, &s.reason); err != nil {
			return nil
		}
		spots = append(spots, s)
	}
	return spots
}

func (w *wal) mended() ([]spot, error) {
	b, err := w.disk.Load(mendedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dag: log: %s: %w", mendedName, err)
	}
	return decodeMended(w.id, b), nil
}

// forgive takes the damage that was accepted out of a report.
func (w *wal) forgive(rec *Recovery) error {
	if len(rec.Damage) == 0 {
		return nil
	}
	known, err := w.mended()
	if err != nil {
		return err
	}
	before := len(rec.Damage)
	rec.Damage = slices.DeleteFunc(rec.Damage, func(d Damage) bool { return slices.Contains(known, w.spotOf(d)) })
	rec.Accepted = before - len(rec.Damage)
	return nil
}

// accept notes damage as accepted, beside what was accepted before.
func (w *wal) accept(list []Damage) error {
	spots, err := w.mended()
	if err != nil {
		return err
	}
	for _, d := range list {
		spots = append(spots, w.spotOf(d))
	}
	if err := w.disk.Save(mendedName, encodeMended(w.id, spots)); err != nil {
		return fmt.Errorf("dag: log: save %s: %w", mendedName, err)
	}
	return nil
}

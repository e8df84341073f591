package dag

import (
	"errors"
	"fmt"
	"slices"
)

// Repair says how RepairLog goes about it. Wall and Rand of Options are needed; its Index is not used.
type Repair struct {
	Options
	// Mark is as for VerifyLog.
	Mark Mark
	// From is another home's log (a backup, a copy, a peer's), which is read and not changed: OSDiskReadOnly makes no lock there
	// either; nil for none. Every delta of this log's contexts that it has, and this log lacks, is taken from it.
	From Disk
	// Accept accepts the damage that remains: later starts name it no more, and chains go on again. It is refused with
	// ErrMissing while deltas stand on a lost one.
	Accept bool
}

// ErrMissing: held deltas stand on lost ones, so the damage is not accepted yet.
var ErrMissing = errors.New("deltas are missing on which others stand")

// Repaired tells what RepairLog did.
type Repaired struct {
	// Inspection is of the log after it; its Cut tells of the tail that was cut.
	Inspection
	// Heads counts the segments whose head was written again, Fetched the deltas that came from the other log.
	Heads, Fetched int
}

// RepairLog does to a log what can be done while no node runs: it cuts a torn tail, writes lost heads of segments again, and
// takes what is lost from another log. What remains is in the Inspection's Damage and Missing: its bytes are lost, and a node that
// runs gets the deltas again from its peers. Errors are those of Open and VerifyLog, and ErrMissing.
func RepairLog(disk Disk, how Repair) (fixed Repaired, err error) {
	if err := holdsLog(disk); err != nil {
		return fixed, err
	}
	if fixed.Heads, err = repairHeads(disk); err != nil {
		return fixed, err
	}
	o := how.Options
	o.Index, o.Observer = fixedIndex{how.Mark}, nil
	j, rec, err := Open(disk, o)
	if err != nil {
		return fixed, err
	}
	if how.From != nil {
		fixed.Fetched, err = j.takeFrom(how.From)
	}
	fixed.Inspection = j.inspect(rec)
	if err == nil && how.Accept {
		err = j.accept(&fixed.Inspection)
	}
	return fixed, errors.Join(err, j.Close())
}

func (j *Journal) accept(in *Inspection) error {
	if len(in.Missing) > 0 {
		return fmt.Errorf("dag: repair: %w: %d of them, the first is %v", ErrMissing, len(in.Missing), in.Missing[0].ID)
	}
	if err := j.w.accept(in.Damage); err != nil {
		return err
	}
	in.Accepted += len(in.Damage)
	in.Damage = nil
	return nil
}

// takeFrom ingests what another home's log has and this one lacks.
func (j *Journal) takeFrom(disk Disk) (fetched int, err error) {
	if err := holdsLog(disk); err != nil {
		return 0, fmt.Errorf("the other home: %w", err)
	}
	other, _, err := openJournal(glass{disk}, Options{Wall: j.o.Wall, Rand: noRand{}}, nil)
	if err != nil {
		return 0, fmt.Errorf("the other home: %w", err)
	}
	defer func() { err = errors.Join(err, other.w.close(), other.lock.Close()) }()
	for _, ctx := range j.Contexts() {
		if !slices.Contains(other.Contexts(), ctx) {
			continue
		}
		for {
			page, more, err := other.Serve(ctx, j.Have(ctx), MaxPage)
			if err != nil {
				return fetched, fmt.Errorf("the other home: %w", err)
			}
			got, err := j.Ingest(ctx, page)
			if err != nil {
				return fetched, err
			}
			if fetched += got.Admitted; !more || got.Admitted+got.Waiting == 0 {
				break
			}
		}
	}
	return fetched, nil
}

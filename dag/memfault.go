package dag

// faults are what goes wrong on a MemDisk.
type faults struct {
	syncs, writes       int // so far
	failSync, failWrite int // from which on they fail; 0 is never
	syncErr, writeErr   error
	full                error
}

func (f *faults) onSync() error {
	if f.syncs++; f.failSync > 0 && f.syncs >= f.failSync {
		return f.syncErr
	}
	return nil
}

func (f *faults) onWrite() error {
	if f.writes++; f.failWrite > 0 && f.writes >= f.failWrite {
		return f.writeErr
	}
	return nil
}

// FailSync lets the n-th sync of a file from now, and all after it, return err; 1 is the next. What they would
// have synced is lost at a crash, unless it is written again before a sync that works.
func (d *MemDisk) FailSync(n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.failSync, d.faults.syncErr = d.faults.syncs+n, err
}

// FailWrite lets the n-th write to a file from now, and all after it, write half of its bytes and return err; 1 is the next.
func (d *MemDisk) FailWrite(n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.failWrite, d.faults.writeErr = d.faults.writes+n, err
}

// Full lets every Create and Save return err, and nothing else: files have their space already. nil makes room again.
func (d *MemDisk) Full(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.full = err
}

// Syncs gives the number of file syncs so far.
func (d *MemDisk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults.syncs
}

// Corrupt changes a byte of a file, on the disk and as seen: rot. Nothing happens outside the file.
func (d *MemDisk) Corrupt(name string, off int64, xor byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil || off < 0 || off >= int64(len(f.now)) {
		return
	}
	f.now[off] ^= xor
	if off < int64(len(f.safe)) {
		f.safe[off] ^= xor
	}
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// A traceFile is made at the first line of a trace: what is refused before leaves the file of a former run as it is.
type traceFile struct {
	path string
	f    *os.File
	w    *bufio.Writer
}

// Write implements io.Writer.
func (t *traceFile) Write(b []byte) (int, error) {
	if t.f == nil {
		f, err := os.Create(t.path)
		if err != nil {
			return 0, err
		}
		t.f, t.w = f, bufio.NewWriterSize(f, 1<<20)
	}
	return t.w.Write(b)
}

// Close writes what is left.
func (t *traceFile) Close() error {
	if t.f == nil {
		return nil
	}
	if err := errors.Join(t.w.Flush(), t.f.Close()); err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	return nil
}

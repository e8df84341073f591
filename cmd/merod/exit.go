package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/merograph/merograph/testnet"
)

// A usageError is a fault of the command line: exit status 2.
type usageError struct{ error }

// Exit implements exiter.
func (usageError) Exit() int { return 2 }

// Unwrap gives the error itself.
func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// An exiter knows its exit status, as an error of the API does.
type exiter interface{ Exit() int }

// report writes an error as one sentence and gives the exit status.
func report(to io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(to, sentence(err))
	if e := exiter(nil); errors.As(err, &e) {
		return e.Exit()
	}
	if errors.Is(err, testnet.ErrUsage) {
		return 2
	}
	return 1
}

// sentence puts an error, which may be several, on one line.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := strings.TrimPrefix(err.Error(), testnet.ErrUsage.Error()+": ")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

package api

import (
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
)

// A door is where the API is: what it was configured as, and where it listens.
type door struct {
	host string // as configured
	addr netip.AddrPort
}

// url is how a program on this machine reaches the door.
func (d door) url() string {
	at := d.addr
	if at.Addr().IsUnspecified() {
		local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if at.Addr().Is6() {
			local = netip.IPv6Loopback()
		}
		at = netip.AddrPortFrom(local, at.Port())
	}
	return "http://" + at.String()
}

// listen opens the configured address, and when that cannot be had a free port of the loopback, with a sentence about it.
func listen(addr string) (l net.Listener, d door, problem string, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, d, "", fmt.Errorf("API address %q: it is host:port", addr)
	}
	l, err = net.Listen("tcp", addr)
	cause := err
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, d, "", fmt.Errorf("the API cannot listen at %s (%w) nor at a free port of the loopback: %w", addr, cause, err)
		}
	}
	d = door{host, l.Addr().(*net.TCPAddr).AddrPort()}
	d.addr = netip.AddrPortFrom(d.addr.Addr().Unmap(), d.addr.Port())
	switch {
	case errors.Is(cause, syscall.EADDRINUSE):
		problem = fmt.Sprintf("the API address %s is taken by another program: the API is at %s; choose another with --api-addr", addr, d.url())
	case cause != nil:
		problem = fmt.Sprintf("the API cannot listen at %s: %v; it is at %s; choose another with --api-addr", addr, cause, d.url())
	case !d.addr.Addr().IsLoopback():
		problem = fmt.Sprintf("the API at %s can be reached from other machines, and its token crosses the network unencrypted: prefer an address on the loopback", addr)
	}
	return l, d, problem, nil
}

// quiet gives what net/http has to say to the node's logger.
func quiet(to *slog.Logger) *log.Logger {
	if to == nil {
		return log.New(io.Discard, "", 0)
	}
	return slog.NewLogLogger(to.Handler(), slog.LevelDebug)
}

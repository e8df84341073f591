package dag

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func fdatasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// allocate takes the space ahead, so that an append changes no size; where the file system cannot, the file is only made long.
func allocate(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return f.Truncate(size)
		default:
			return err
		}
	}
}

// touchedFile gives the change time of the inode: restoring a file's modification time changes it.
func touchedFile(path string) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_CTIME, &st); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d.%09d", st.Ctime.Sec, st.Ctime.Nsec), nil
}

// stampFile gives machine, inode and birth time; not the device number, which changes between starts.
func stampFile(path string) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "", err
	}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return fmt.Sprintf("%s/%d/%d.%09d", strings.TrimSpace(string(machine)), st.Ino, st.Btime.Sec, st.Btime.Nsec), nil
}

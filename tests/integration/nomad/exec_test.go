// SPDX-License-Identifier: Apache-2.0

package nomad

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

func init() {
	add("exec", embedded("exec"), false)
	jobs["exec"].late = true
}

// volume returns how many bytes volumeTest sends. An emulated host needs minutes for 100 MiB.
func volume() int64 {
	n, err := strconv.ParseInt(os.Getenv("NSPAWN_TEST_EXEC_MIB"), 10, 32)
	if err != nil {
		n = 1
	}
	return n << 20
}

// command runs a command in the task as nomad alloc exec does, without a terminal.
func command(ctx context.Context, alloc *api.Allocation, stdin io.Reader, stdout, stderr io.Writer, words ...string) (int, error) {
	return client.Allocations().Exec(ctx, alloc, "task", false, words, stdin, stdout, stderr, nil, nil)
}

func TestAllocExec(t *testing.T) {
	t.Parallel()
	alloc := start(t, "exec", 1)[0]
	waitForState(t, alloc, "task", "running")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	// Nomad notices only after half a minute that this user is gone; the other tests run meanwhile.
	leave(t, alloc)
	t.Run("output_input_and_code", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		code, err := command(ctx, alloc, strings.NewReader("typed\n"), &stdout, &stderr,
			"/bin/sh", "-c", "echo $FROM_ENV; cat; echo err >&2; exit 43")
		if err != nil || code != 43 || stdout.String() != "from-env\ntyped\n" || stderr.String() != "err\n" {
			t.Errorf("code %d, error %v, stdout %q, stderr %q", code, err, stdout.String(), stderr.String())
		}
	})
	t.Run("no_such_program", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		code, err := command(ctx, alloc, strings.NewReader(""), &stdout, &stderr, "nosuchprogram")
		if err != nil || code != 127 || stdout.Len() != 0 {
			t.Errorf("code %d, error %v, stdout %q", code, err, stdout.String())
		}
		expect(t, stderr.String(), "nosuchprogram")
	})
	t.Run("command_that_ends_before_its_input", func(t *testing.T) { endlessInputTest(ctx, t, alloc) })
	t.Run("output_is_complete_when_a_heartbeat_arrives_as_the_command_ends", func(t *testing.T) { lateOutputTest(ctx, t, alloc) })
	t.Run("large_input_and_output_are_complete", func(t *testing.T) { volumeTest(ctx, t, alloc) })
	t.Run("script_check_passes_as_the_task_wants", func(t *testing.T) { checkTest(t, alloc) })
	t.Run("terminal", func(t *testing.T) { terminalTest(t, alloc) })
	t.Run("user_who_goes_away", func(t *testing.T) {
		until(t, "the command is gone", func() (bool, string) {
			found := left()
			return found == "", found
		})
	})
	stop(t, "exec")
	waitForState(t, alloc, "task", "dead")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return len(p), nil
}

// endlessInputTest ends the stream while the agent still has input for it. If the driver closes such a stream too
// early, the agent drops the output that it has not read yet.
func endlessInputTest(ctx context.Context, t *testing.T, alloc *api.Allocation) {
	for i := 0; i < 5; i++ {
		var stdout, stderr bytes.Buffer
		code, err := command(ctx, alloc, endless{}, &stdout, &stderr, "/bin/sh", "-c", "head -c 3 | wc -c; echo end >&2; exit 9")
		if err != nil || code != 9 || strings.TrimSpace(stdout.String()) != "3" || stderr.String() != "end\n" {
			t.Errorf("code %d, error %v, stdout %q, stderr %q", code, err, stdout.String(), stderr.String())
		}
	}
}

// lateOutputTest is the same with the agent's heartbeat as the input: one comes every 10 s, and an agent takes a
// while to read 4 MiB.
func lateOutputTest(ctx context.Context, t *testing.T, alloc *api.Allocation) {
	var stdout, stderr bytes.Buffer
	code, err := command(ctx, alloc, strings.NewReader(""), &stdout, &stderr, "/bin/sh", "-c", "sleep 9; head -c 4194304 /dev/zero; exit 9")
	if err != nil || code != 9 || stdout.Len() != 4<<20 || stderr.Len() != 0 {
		t.Errorf("code %d, error %v, %d bytes, stderr %q", code, err, stdout.Len(), stderr.String())
	}
}

func volumeTest(ctx context.Context, t *testing.T, alloc *api.Allocation) {
	size := volume()
	sent, received := sha256.New(), sha256.New()
	var stderr bytes.Buffer
	begin := time.Now()
	code, err := command(ctx, alloc, io.TeeReader(io.LimitReader(rand.New(rand.NewSource(size)), size), sent), io.Discard,
		&stderr, "/bin/sh", "-c", "cat >/local/much")
	if err != nil || code != 0 || stderr.Len() != 0 {
		t.Fatalf("code %d, error %v, stderr %q", code, err, stderr.String())
	}
	between := time.Now()
	code, err = command(ctx, alloc, strings.NewReader(""), received, &stderr, "cat", "/local/much")
	if err != nil || code != 0 || stderr.Len() != 0 {
		t.Fatalf("code %d, error %v, stderr %q", code, err, stderr.String())
	}
	t.Logf("%d MiB: in %v in, in %v out", size>>20, between.Sub(begin), time.Since(between))
	if info, err := os.Stat(local(alloc, "much")); err != nil || info.Size() != size {
		t.Errorf("the file: %v %v", info, err)
	}
	if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		t.Error("the command wrote other bytes than it read")
	}
}

func checkTest(t *testing.T, alloc *api.Allocation) {
	becomes := func(status, part string) {
		t.Helper()
		until(t, "a check that is "+status, func() (bool, string) {
			states := checks.last()
			for _, state := range states {
				if state.Status == status && strings.Contains(state.Output, part) {
					return true, ""
				}
			}
			return false, fmt.Sprint(states)
		})
	}
	becomes("critical", "")
	if err := os.WriteFile(local(alloc, "good"), []byte("as it should be\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	becomes("passing", "as it should be")
}

// A terminal is a window of tmux.
type terminal struct{ t *testing.T }

func (s *terminal) tmux(words ...string) string {
	s.t.Helper()
	return output(s.t, "tmux", append([]string{"-L", "exec", "-f", "/dev/null"}, words...)...)
}

func (s *terminal) shows(what string, parts ...string) {
	s.t.Helper()
	until(s.t, what, func() (bool, string) {
		screen := s.tmux("capture-pane", "-p")
		for _, part := range parts {
			if !strings.Contains(screen, part) {
				return false, screen
			}
		}
		return true, ""
	})
}

// line types a line. The terminal shows it, so it must not contain the text that the test waits for.
func (s *terminal) line(text string) {
	s.t.Helper()
	s.tmux("send-keys", "-l", text)
	s.tmux("send-keys", "Enter")
}

func terminalTest(t *testing.T, alloc *api.Allocation) {
	s := &terminal{t}
	file := filepath.Join(directory, "code")
	s.tmux("new-session", "-d", "-x", "100", "-y", "30", fmt.Sprintf(
		"%s alloc exec -address=http://192.0.2.2:4646 -i -t -task task %s /bin/sh; echo $? >%s; sleep 600", agentProgram, alloc.ID, file))
	defer func() { _, _ = execOutput("tmux", "-L", "exec", "kill-server") }()
	s.shows("the prompt", "#")
	s.line("tty; test -t 0 -a -t 1 -a -t 2 && echo $((400 + 44))")
	s.shows("a terminal", "444")

	s.line("while sleep 1; do clear; stty size; done")
	s.shows("the size of the window", "30 100")
	s.tmux("resize-window", "-x", "132", "-y", "43")
	s.shows("the size that it has now", "43 132")
	s.tmux("send-keys", "C-c")

	s.line("clear; top")
	s.shows("top", "Mem:", "CPU:", "PID", "COMMAND")
	s.tmux("send-keys", "q")
	s.line("clear; echo $((500 + 55))")
	s.shows("the shell again", "555")

	s.line("clear; vi /local/text")
	s.shows("vi", "/local/text", "~")
	s.tmux("send-keys", "i")
	s.tmux("send-keys", "-l", "written in vi")
	s.shows("what is written", "written in vi")
	s.tmux("send-keys", "Escape")
	s.line(":wq")
	until(t, "the file", func() (bool, string) {
		text, err := os.ReadFile(local(alloc, "text"))
		return string(text) == "written in vi\n", fmt.Sprintf("%q %v", text, err)
	})

	s.line("exit 7")
	until(t, "the exit code", func() (bool, string) {
		text, err := os.ReadFile(file)
		return string(text) == "7\n", fmt.Sprintf("%q %v", text, err)
	})
}

// leave starts a command and goes away. An agent notices that only when the command writes; this one writes nothing.
func leave(t *testing.T, alloc *api.Allocation) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	reader, _ := io.Pipe()
	go func() {
		_, err := command(ctx, alloc, reader, io.Discard, io.Discard, "/bin/sh", "-c", "sleep 4714 & sleep 4714")
		ended <- err
	}()
	until(t, "the command runs", func() (bool, string) {
		found := left()
		return len(strings.Fields(found)) == 2, found
	})
	cancel()
	<-ended
}

// left returns the pids of that command's processes.
func left() string {
	found, _ := execOutput("pgrep", "-f", "^sleep 4714")
	return found
}

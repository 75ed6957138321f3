// SPDX-License-Identifier: Apache-2.0

package nomad

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/nomad/api"
)

// secondAgent is another agent beside the one of all tests, with its own data_dir and ports.
type secondAgent struct {
	client  *api.Client
	command *exec.Cmd
}

func second(name string) string {
	return filepath.Join(directory, "second"+name)
}

// start starts the agent, with more options for the driver.
func (s *secondAgent) start(t *testing.T, options string) {
	t.Helper()
	text := fmt.Sprintf(configuration, directory, consulAddress)
	text = strings.Replace(text, directory+"/data", second(""), 1)
	text = strings.Replace(text, "volumes = true", "volumes = true\n"+options, 1)
	text += "\nname = \"second\"\nports {\n http = 5646\n rpc = 5647\n serf = 5648\n}\n"
	if err := os.WriteFile(second(".hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(second(".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.command = exec.Command(agentProgram, "agent", "-config", second(".hcl"))
	s.command.Env = agent.Env
	s.command.Stdout, s.command.Stderr = log, log
	if err = s.command.Start(); err != nil {
		t.Fatal(err)
	}
}

func (s *secondAgent) stop() {
	if s.command != nil {
		_ = s.command.Process.Signal(syscall.SIGINT)
		_ = s.command.Wait()
		s.command = nil
	}
}

// lose removes the agent's data_dir, so that its node is lost.
func (s *secondAgent) lose(t *testing.T) {
	t.Helper()
	err := run(fmt.Sprintf(`
		awk '$2 ~ "^%[1]s/" { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount "$mount"; done
		rm -rf %[1]s`, second("")))
	if err != nil {
		t.Error(err)
	}
}

// lines returns the lines of the agent's log that contain words.
func (s *secondAgent) lines(words string) string {
	text, _ := os.ReadFile(second(".log"))
	var found []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, words) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

// runTwo runs two tasks and returns the names of their machines.
func (s *secondAgent) runTwo(t *testing.T) (machines []string) {
	t.Helper()
	text, _ := embedded("counting")()
	parsed, err := parse(text, false)
	if err != nil {
		t.Fatal(err)
	}
	count, id := 2, "lost"
	parsed.ID, parsed.Name, parsed.TaskGroups[0].Count = &id, &id, &count
	parsed.TaskGroups[0].Tasks[0].Config["command"] = []string{"/bin/sh", "-c", "exec sleep 3600"}
	until(t, "a server of the second agent", func() (bool, string) {
		_, _, err := s.client.Jobs().Register(parsed, nil)
		return err == nil, fmt.Sprint(err)
	})
	until(t, "two tasks of the second agent", func() (bool, string) {
		list, _, err := s.client.Jobs().Allocations(id, true, nil)
		machines = nil
		for _, a := range list {
			if a.ClientStatus == "running" {
				machines = append(machines, "task-"+a.ID)
			}
		}
		return len(machines) == count, fmt.Sprint(machines, err)
	})
	return machines
}

// owner returns a task's owner as nspawnctl ps shows it, or "" for a task that it does not show.
func owner(t *testing.T, machine string) string {
	t.Helper()
	for _, line := range strings.Split(output(t, filepath.Join(payload, "nspawnctl"), "ps"), "\n") {
		if words := strings.Fields(line); len(words) > 3 && words[0] == machine {
			return words[3]
		}
	}
	return ""
}

func expectOwners(t *testing.T, wanted string, machines ...string) {
	t.Helper()
	for _, machine := range machines {
		if got := owner(t, machine); got != wanted {
			t.Errorf("the owner of %s is %q, not %q", machine, got, wanted)
		}
	}
}

// expectGone waits until nothing of a task is left.
func expectGone(t *testing.T, machine string) {
	t.Helper()
	until(t, machine+" is gone", func() (bool, string) {
		_, err := os.Stat("/run/nspawn-units/tasks/" + machine)
		state := output(t, "systemctl", "show", "-P", "LoadState", "nspawn-"+machine+".service")
		return os.IsNotExist(err) && state == "not-found", fmt.Sprint(state, " ", err)
	})
}

func TestDriverReportsAndEndsTasksOfALostNodeButNoOthers(t *testing.T) {
	alloc := start(t, "signals", 1)[0]
	waitForState(t, alloc, "task", "running")
	own := "task-" + alloc.ID
	invocation := func() string {
		return output(t, "systemctl", "show", "-P", "InvocationID", "nspawn-"+own+".service")
	}
	before := invocation()

	s := &secondAgent{}
	s.client, _ = api.NewClient(&api.Config{Address: "http://192.0.2.2:5646"})
	s.start(t, "")
	defer func() {
		s.stop()
		s.lose(t)
		if t.Failed() {
			_ = run(fmt.Sprintf("cp %s %s/../results/", second(".log"), directory))
		}
	}()
	lost := s.runTwo(t)
	expectOwners(t, "nomad", lost[0], lost[1], own)

	// The first agent is killed as well, and starts again only after the second has ended its lost tasks.
	plugins, _ := execOutput("pgrep", "-P", strconv.Itoa(agent.Process.Pid), "-x", "nomad-driver-ns")
	plugin, err := strconv.Atoi(plugins)
	if err != nil {
		t.Fatalf("not exactly one plugin: %q", plugins)
	}
	killAgent(t)
	kill(t, plugin)
	kill(t, s.command.Process.Pid)
	s.stop()
	s.lose(t)
	s.start(t, `orphan_timeout = "30s"`)
	until(t, "a warning about the tasks", func() (bool, string) {
		told := s.lines("its node's client state is lost")
		return strings.Contains(told, lost[0]) && strings.Contains(told, lost[1]), told
	})
	expect(t, s.lines("client state is lost"), "[WARN]", "it is ended in 30 s (orphan_timeout)")
	expectOwners(t, "nobody", lost...)
	output(t, filepath.Join(payload, "nspawnctl"), "stop", lost[0])
	expectGone(t, lost[0])
	expectGone(t, lost[1])
	if ended := s.lines("ending a task of a lost node"); !strings.Contains(ended, lost[1]) || strings.Contains(ended, lost[0]) {
		t.Errorf("expected the end of %s only:\n%s", lost[1], ended)
	}

	expectOwners(t, "nomad", own)
	restartAgent(t)
	if task := waitForState(t, alloc, "task", "running"); task.Restarts != 0 || invocation() != before {
		t.Errorf("the first agent's task was ended:\n%s", events(task))
	}
	if told := s.lines(own); told != "" {
		t.Errorf("the second agent's log has the first agent's task:\n%s", told)
	}
}

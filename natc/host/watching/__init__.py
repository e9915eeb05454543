"""`natc watch`: rules that follow the health of servers, as a service.

checking    one test of one server, and a task for each; `health` counts rise and fall
serving     the policy with the servers that are up, as a value
swap        what changed of the rules, to the kernel; drift, and its repair
followed    the generation in the kernel, and putting its policy in place again
watch       the service: signals, reloads, the administrator's own applies
telling     what it says when; `journal` `notify` `metrics` say it to the journal, systemd and
            node_exporter
"""

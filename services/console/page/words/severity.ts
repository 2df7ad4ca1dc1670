/** How bad things are that the appliance tells of: problems, findings, alarms. */

export type Severity = 'ok' | 'info' | 'warning' | 'error' | 'alarm'

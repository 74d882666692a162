import type { Doctor } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { EXIT } from '../../failure.ts';
import { oneLine } from '../../output/clean.ts';
import type { Paint } from '../../output/output.ts';

export const addDoctor: AddCommand = (parent, acting) => {
  parent
    .command('doctor')
    .description('check the installation, with advice on each problem; 1 if there is one')
    .action(
      acting(async ({ api, output }) => {
        const doctor = await api.get<Doctor>('/admin/doctor');
        output.print(doctor, doctorLines);
        return doctor.ok ? EXIT.done : EXIT.refused;
      }),
    );
};

function doctorLines({ ok, checks }: Doctor, paint: Paint): string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const verdict = (isWell: boolean) => (isWell ? paint('green', 'ok  ') : paint('red', 'FAIL'));
  return [
    ...checks.map((check) => `${verdict(check.ok)}  ${check.name.padEnd(width)}  ${oneLine(check.message)}`),
    ok ? 'Everything is well.' : 'Not everything is well: see above.',
  ];
}

// Files that came with a run: pictures are shown, everything else is only saved.
import { bytes, plural } from '../format';
import { useLoaded } from '../hooks';
import { observe, type Attachment } from '../observe';
import { Icon } from './icons';

function File({ file }: { file: Attachment }) {
  return (
    <li data-testid="attachment" data-name={file.name}>
      {file.is_picture && (
        <a href={file.url} target="_blank" rel="noreferrer">
          <img class="attached" src={file.url} alt={file.name} loading="lazy" />
        </a>
      )}
      <a class="link" href={file.url} download={file.name}>
        <Icon name="download" /> {file.name}
      </a>{' '}
      <span class="muted">
        {file.media_type || 'of an unknown type'}, {bytes(file.size_bytes)}
      </span>
    </li>
  );
}

export function AttachmentsView({ run, trace }: { run: string; trace: string }) {
  const files = useLoaded(
    (signal) => observe.attachments(run, trace, signal),
    `files ${trace} ${run}`,
  );
  if (!files.value?.length) return null;
  return (
    <section aria-label="Attachments" class="payload">
      <h3>{plural(files.value.length, 'attachment')}</h3>
      <ul class="attachments">
        {files.value.map((file) => (
          <File key={file.name} file={file} />
        ))}
      </ul>
    </section>
  );
}

// Files that were picked or dropped, with the names that they get, in portions that a request holds.
import type { NamedFile } from '../api';

export const filesMax = 5000; // Of one drop; more is work for `slipway ingest`.
const portionFiles = 200; // The server takes 256 in one request.
const portionBytes = 32e6;

const named = (file: File): NamedFile => ({ file, name: file.webkitRelativePath || file.name });

async function takeBelow(entry: FileSystemEntry, out: NamedFile[]): Promise<void> {
  if (out.length > filesMax) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    out.push({ file, name: entry.fullPath.replace(/^\/+/, '') });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!entries.length) return;
    for (const inner of entries) await takeBelow(inner, out);
  }
}

export const pickedFiles = (list: FileList | null): NamedFile[] => [...(list ?? [])].map(named);

export async function droppedFiles(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry?.())
    .filter((entry) => entry !== null && entry !== undefined);
  if (!entries.length) return pickedFiles(transfer.files);
  const files: NamedFile[] = [];
  for (const entry of entries) await takeBelow(entry, files);
  return files;
}

export function portionsOf(files: NamedFile[]): NamedFile[][] {
  const portions: NamedFile[][] = [];
  let bytes = 0;
  for (const item of files) {
    const last = portions[portions.length - 1];
    if (last && last.length < portionFiles && bytes + item.file.size <= portionBytes) {
      last.push(item);
      bytes += item.file.size;
    } else {
      portions.push([item]);
      bytes = item.file.size;
    }
  }
  return portions;
}

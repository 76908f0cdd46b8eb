/** Files the reader opens or drops: kernels and MLIR become the source, ONNX files the model. */

import { t } from '../../i18n';
import { openModel, openSource } from '../../state/document';
import { notice } from '../../state/view';

export const ACCEPTED = '.py,.mlir,.ttir,.onnx';

export async function openFile(file: File): Promise<void> {
  const extension = /\.(\w+)$/.exec(file.name)?.[1]?.toLowerCase();
  if (extension === 'onnx') openModel(file);
  else if (extension && ['py', 'mlir', 'ttir', 'txt'].includes(extension))
    openSource(await file.text(), file.name.replace(/\.\w+$/, ''));
  else notice.value = `${t('error.file', { name: file.name })} ${t('error.file.try')}`;
}

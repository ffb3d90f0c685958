/** A secret that it invents. */
export const joinToken = "abcdef.0123456789abcdef";
export const certificateKey = "0123456789abcdef".repeat(4);

/** A fake kubeadm for a simulated machine. Prints every secret it finds, plain and encoded, as a verbose program might; then fails with more. */
export const leakingKubeadm = (root: string, capability: string): string => `#!/bin/sh
cd ${root}
for i in $(seq 200); do [ -s var/lib/sprout/node/report-token ] && break; sleep 0.05; done
{
  for key in etc/kubernetes/pki/*.key etc/kubernetes/pki/etcd/*.key; do
    echo "I0102 03:04:05 key $key:"; cat $key; base64 -w0 $key; echo; sed -n 2p $key
  done
  cat etc/kubernetes/*.conf etc/sprout/seed.json
  for token in $(cat var/lib/sprout/node/report-token) ${capability}; do
    echo "{\\"reportToken\\":\\"$token\\"} $token"; printf %s $token | base64 -w0; echo
    printf %s $token | od -An -tx1 | tr -d ' \\n'; echo
  done
  echo "kubeadm join 10.77.0.11:6443 --token ${joinToken} --certificate-key ${certificateKey}"
  echo "Using certificate key:"; echo ${certificateKey}
} | tee kubeadm-output.txt
echo "error: cannot use token ${joinToken}: $(sed -n 3p etc/kubernetes/pki/ca.key) $(cat var/lib/sprout/node/report-token)" >&2
exit 1
`;
